"""What a person sets: the four places it comes from, and how text becomes a typed value."""
