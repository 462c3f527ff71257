"""Where market data comes from: one package for each venue, all behind the Protocols of `engine.ports`."""
