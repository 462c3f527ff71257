"""The engine's memory: one folder for each account, with the file of orders, its lock, and the kill switch's latches.

An order whose intent is not on disk is not sent, so this is the floor that everything about orders stands on. It knows
nothing of orders but how to keep entries (`engine.model.entry`): what they mean is the blotter's business.
"""

from engine.store.folder import state_folder as state_folder
from engine.store.latches import ACCOUNT as ACCOUNT
from engine.store.latches import Latches as Latches
from engine.store.open import open_store as open_store
from engine.store.orderfile import read_store as read_store
from engine.store.sqlite import RunSync as RunSync
from engine.store.sqlite import SqliteStore as SqliteStore
