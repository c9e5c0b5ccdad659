"""A company wins its deals against the local sandbox, and the books are compared."""
