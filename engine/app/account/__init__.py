"""The account's side of a session: order file, books, desk, account stream, kill switch.

It is opened before the strategies start and closed after they have ended, because it must see the end of every order.
A session of mere watchers does not open it (`engine.app.plugins.trading`): there is one account stream and one order
file for all programs of an account.
"""

from engine.app.account.opening import open_account_side as open_account_side
from engine.app.account.side import AccountSide as AccountSide
