"""The trail: what was read, decided, called and written for every record."""
