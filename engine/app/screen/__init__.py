"""What a person sees: the live view while a session runs and the tables at its end."""
