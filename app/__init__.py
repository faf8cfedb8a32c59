"""The doors through which everybody comes in."""
