"""Moves records between Pipedrive and five ERPs: nothing lost, nothing doubled, nothing guessed."""
