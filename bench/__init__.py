"""What one process can carry, measured beside what a plain program would do."""
