"""The page of a report: one file that needs no other, no network, and no more than a browser."""
