"""Schema revisions; `storage.schema` runs them."""
