"""API v2: strict, with cursors and plain ids."""
