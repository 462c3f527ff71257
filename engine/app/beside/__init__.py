"""What stands beside a session and looks at it: the watch, alerts, metrics, the dashboard, ``gapless top``.

`engine.app.beside.engine.Engine` is what each is given, `engine.app.beside.overview.Overview` what they show. Nothing
is imported here, because a terminal that only draws an overview must not load an engine first.
"""
