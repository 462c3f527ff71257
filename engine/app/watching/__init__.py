"""The watch beside a session: looks once a second, asks history, opens silent lines again, and says what it finds."""

from engine.app.watching.serve import serve_watch

__all__ = ["serve_watch"]
