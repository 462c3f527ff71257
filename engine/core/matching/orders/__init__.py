"""Our own orders at the venue: how they are made, kept, timed, grouped and changed. The door is the module `venue`."""
