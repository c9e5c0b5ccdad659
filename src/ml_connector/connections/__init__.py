"""Accounts at vendors: settings, health, pausing, and opening a ready client."""
