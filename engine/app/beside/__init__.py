"""What stands beside a session and looks at it: the watch, alerts, metrics, the dashboard, ``gapless top``."""

from engine.app.beside.engine import Attached, Engine
from engine.app.beside.overview import Overview

__all__ = ["Attached", "Engine", "Overview"]
