"""Webhook subscriptions, the two formats, and the sender with its retries and bans."""
