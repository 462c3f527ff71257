"""The dashboard: a web page beside a session, which shows how it is and can stop it.

It stands in a barrier of its own (`engine.app.beside.attach`): nothing that it does, and nothing that a browser does to
it, ends or delays the session.
"""

from engine.web.dashboard import check_web, serve_dashboard

__all__ = ["check_web", "serve_dashboard"]
