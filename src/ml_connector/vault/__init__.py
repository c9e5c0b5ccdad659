"""Encryption of secrets, and the logins won with them."""
