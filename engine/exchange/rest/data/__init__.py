"""Market data by REST, beside the pages of history: what is latest, chains, news, actions, screens, tables of codes."""
