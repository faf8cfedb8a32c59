"""Brings holdings to the asked state."""
