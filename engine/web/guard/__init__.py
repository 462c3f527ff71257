"""Who may look at the dashboard and who may act on it: names and origins, logins, headers. Nothing here waits."""
