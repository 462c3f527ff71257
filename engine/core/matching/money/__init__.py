"""The parts of the ledger: what is held and what it did cost, what open orders hold back, what margin asks for."""
