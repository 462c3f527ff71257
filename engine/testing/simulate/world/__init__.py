"""The simulated world: exchange, network, machine and disk around the whole engine, and who lets things go wrong."""

from engine.testing.simulate.world.run import run_plan as run_plan
