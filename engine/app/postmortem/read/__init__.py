"""Reading a recorded session for its report: its market, its orders, and what happened to its lines."""
