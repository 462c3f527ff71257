"""A session written down: manifest, journals of the market, of decisions and of raw frames, and reading them back.

A folder holds one session: ``manifest.json``; ``market.journal`` while it runs and ``market/DAY/KIND.parquet`` after;
``decisions.journal``; ``frames.journal`` where raw frames were asked for; ``orders.jsonl``; ``report.json``;
``session.log``.
"""

from engine.store.session.closing import read_closing as read_closing
from engine.store.session.closing import write_closing as write_closing
from engine.store.session.manifest import Manifest as Manifest
from engine.store.session.manifest import Player as Player
from engine.store.session.manifest import Run as Run
from engine.store.session.orders import read_orders as read_orders
from engine.store.session.orders import write_orders as write_orders
from engine.store.session.read import RecordedSession as RecordedSession
from engine.store.session.read import read_session as read_session
from engine.store.session.recording import Recording as Recording
from engine.store.session.recording import open_recording as open_recording
