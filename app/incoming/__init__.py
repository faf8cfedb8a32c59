"""What people hand in, read once at the border."""
