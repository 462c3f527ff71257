"""The whole engine and the exchange in one process, in virtual time, with everything going wrong: one seed, one history."""
