"""What people get to read, in Dutch as in English."""
