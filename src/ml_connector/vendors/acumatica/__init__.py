"""Acumatica's contract-based REST API."""
