"""The files of a session: market events, what crossed to strategies, raw frames. One format for all three.

A file is a line that names it and its version, then blocks ``[u32 length][u32 crc32][payload]``, little-endian. A
payload is msgpack ``[what, rows]``; see `market`, `records` and `frames` for the rows. Whatever was being written when
the process died is at the end and is not whole: it is cut, and that is not an error. See `blocks`.
"""

from engine.codec.journal.blocks import EMPTY as EMPTY
from engine.codec.journal.blocks import FORMAT as FORMAT
from engine.codec.journal.blocks import Walk as Walk
from engine.codec.journal.blocks import pack_block as pack_block
from engine.codec.journal.control import parse_control as parse_control
from engine.codec.journal.control import render_control as render_control
from engine.codec.journal.frames import RawFrame as RawFrame
from engine.codec.journal.frames import decode_frames as decode_frames
from engine.codec.journal.frames import encode_frames as encode_frames
from engine.codec.journal.market import Arrival as Arrival
from engine.codec.journal.market import decode_market as decode_market
from engine.codec.journal.market import encode_market as encode_market
from engine.codec.journal.records import decode_records as decode_records
from engine.codec.journal.records import encode_records as encode_records
