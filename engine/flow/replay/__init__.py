"""Sessions from a tape: time that moves by the events of the market alone, and one history for one tape."""

from engine.flow.replay.clock import ReplayClock as ReplayClock
from engine.flow.replay.clock import TapeClock as TapeClock
from engine.flow.replay.drive import Replay as Replay
from engine.flow.replay.lease import LentChannel as LentChannel
from engine.flow.replay.lease import TapeFanout as TapeFanout
from engine.flow.replay.turnstile import Turnstile as Turnstile
