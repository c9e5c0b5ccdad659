"""One package per pair of vendors."""
