"""One API client per vendor, usable alone."""
