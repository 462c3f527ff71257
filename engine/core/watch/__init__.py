"""What tells that something is wrong: learnt cadences, silences, and limits on everything else that is measured.

Pure: values in, `engine.model.alert.Finding` out. `engine.app.watching` measures, asks history, and acts.
"""
