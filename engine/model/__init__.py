"""Values: what happened in the market and on the line. No behaviour beyond reading a value."""
