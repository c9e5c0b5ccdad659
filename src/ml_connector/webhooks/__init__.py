"""Receiving what vendors send: verify the raw bytes, remember once, capture."""
