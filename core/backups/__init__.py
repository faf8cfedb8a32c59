"""Copies of the databases, for the day on which one of them is lost."""
