"""Signing keys: where a private key lives, and how it signs. None ever shows itself."""
