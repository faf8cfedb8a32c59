"""Encrypted copies of the ledger with its safe: each day has a key, which dies after 90 days."""
