"""Strategies that come with the engine: one module each, importing nothing of it but ``engine`` itself."""
