"""What waits: Trio tasks around the pure decisions of `engine.core`."""
