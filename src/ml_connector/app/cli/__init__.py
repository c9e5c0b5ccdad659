"""The command line: one module for each command, `screen` for what they show."""

from ml_connector.app.cli.command_line import main

__all__ = ["main"]
