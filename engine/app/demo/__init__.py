"""``python -m engine.app.demo``: the engine at work while its line is cut, and the proof that nothing was lost."""
