"""Pipedrive: one API client, usable alone."""
