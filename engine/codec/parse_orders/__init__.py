"""The trading API as its client reads it: replies and messages into values, requests into JSON.

The other direction of ``codec/orders.py`` and its neighbours, which speak as the venue does. Two rules: what is not
known is passed over (the venue adds fields and words without notice), and what an account could be damaged by is never
guessed: an order without a readable status, side or quantity raises `Unreadable`, and whoever asked has to ask again.
"""

from engine.codec.parse_orders.asking import render_order_request as render_order_request
from engine.codec.parse_orders.asking import render_replace_request as render_replace_request
from engine.codec.parse_orders.fees import FEE_KINDS as FEE_KINDS
from engine.codec.parse_orders.fees import parse_fees as parse_fees
from engine.codec.parse_orders.fields import Unreadable as Unreadable
from engine.codec.parse_orders.fields import read_json as read_json
from engine.codec.parse_orders.fills import parse_fills as parse_fills
from engine.codec.parse_orders.holdings import is_contract as is_contract
from engine.codec.parse_orders.holdings import parse_account as parse_account
from engine.codec.parse_orders.holdings import parse_asset as parse_asset
from engine.codec.parse_orders.holdings import parse_contract as parse_contract
from engine.codec.parse_orders.holdings import parse_pair as parse_pair
from engine.codec.parse_orders.holdings import parse_positions as parse_positions
from engine.codec.parse_orders.orders import parse_order as parse_order
from engine.codec.parse_orders.orders import parse_orders as parse_orders
from engine.codec.parse_orders.updates import parse_update as parse_update
