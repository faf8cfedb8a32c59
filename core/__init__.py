"""What the product knows: what was asked, what was seen, what remains."""
