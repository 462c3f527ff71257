"""The matching engine: orders and market events in, fills and what the account stream says out.

Pure, so that the embedded exchange and replay share it and one input always gives one output. `venue` is its door.
Behind it: what the market has (`view`, with `conditions` and `depth`), when an order is live (`triggers`) and rests
(`queue`), what of it may be filled by which assumptions (`fills`, `models`) and because of what (`citation`), what that
costs (`fees`, `ledger`), and how finely prices and quantities are cut (`amounts`).
"""
