"""What an order of ours may do: the user's limits, and keeping out of the way of our own other orders."""
