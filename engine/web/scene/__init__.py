"""What the pages show, as one value of one moment, read in Trio's thread."""

from engine.web.scene.read import Reader
from engine.web.scene.scene import Card, FillRow, Scene

__all__ = ["Card", "FillRow", "Reader", "Scene"]
