"""What says from outside how an engine is: ``/healthz``, ``/readyz``, ``/metrics``, systemd's watchdog, a frozen loop.

Built for the moment when nothing else works. The loop only leaves values behind; threads that are not on the loop look
at them, and answer while it stands still.
"""
