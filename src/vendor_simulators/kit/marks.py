"""Every secret that a simulator gives out can be found again.

It carries one mark, whatever kind of secret it is: a single search through what a program has
left behind (logs, tables, files) shows whether any got there.
"""

from __future__ import annotations

MARK = "5ec2e7ca4a41"  # digits that every alphabet of tokens has: hex, base64, cookies


def marked(secret: str) -> str:
    """Return a random secret with the mark in place of its beginning, as long as it was."""
    return MARK + secret[len(MARK) :]
