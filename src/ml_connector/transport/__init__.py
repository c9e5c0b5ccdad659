"""Outbound HTTP: pacing, retries of safe calls, deadlines, redaction, recording, batching."""
