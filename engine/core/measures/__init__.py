"""What came of a session in figures: returns and their measures, equity, trades, and how well orders were filled.

Pure arithmetic on values: the reading of a session is `engine.app.postmortem`'s.
"""
