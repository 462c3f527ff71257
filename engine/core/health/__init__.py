"""Whether an engine gets on: by what its tasks have proved lately, and not by the fact that its process is there."""
