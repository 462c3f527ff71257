"""Strategies that come with the engine: one module each, importing only ``engine`` and ``engine.indicators``."""
