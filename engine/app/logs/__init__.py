"""Logging, configured in this one place, and never with a secret in it."""

from engine.app.logs.redact import Redactor as Redactor
from engine.app.logs.redact import redacted as redacted
from engine.app.logs.redact import redacting as redacting
from engine.app.logs.sinks import configure_logs as configure_logs
