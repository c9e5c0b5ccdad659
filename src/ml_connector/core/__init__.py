"""Errors, clock, ids, money, secrets: what every part may use, and what uses no part."""
