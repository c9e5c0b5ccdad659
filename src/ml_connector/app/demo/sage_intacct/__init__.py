"""The demo of Pipedrive and Sage Intacct: its company, its ledger, and what they must come to."""
