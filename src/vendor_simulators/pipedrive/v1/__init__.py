"""API v1: lenient, with offsets and nested relations; its deprecated entity paths included."""
