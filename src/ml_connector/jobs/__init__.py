"""Handing ready work to workers, and what becomes of a failed run."""
