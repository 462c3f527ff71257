"""The composition root: commands, settings, plug-ins, logs and what a person sees. Nothing below imports from here."""
