"""The words integrations are written in."""
