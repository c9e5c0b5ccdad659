"""The demo of Pipedrive and Acumatica: its company, its books, and what they must come to."""
