"""The whole engine and the exchange in one process, in virtual time, with everything going wrong: a seed, a history."""
