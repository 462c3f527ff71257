"""Who says whether a simulated session held the invariants: a `Watch` that knows the truth of both sides."""

from engine.testing.simulate.judge.judge import Judge as Judge
