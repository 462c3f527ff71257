"""Bugs of the market side: order, identity, holes, channels and their books."""

from typing import Final

from engine.testing.simulate.mutants.mutant import Mutant

MARKET: Final = (
    Mutant(
        name="splice_boundary",
        file="core/splice.py",
        old="out = self._weave(rows) + self.held",
        new="out = self._weave(rows) + self.held[1:]",
        breaks="the first live event behind the one at which history meets the line is lost",
    ),
    Mutant(
        name="splice_start",
        file="core/splice.py",
        old="start_ns = max(max(cursor_ns, heard_ns) - settling.overlap_ns, began_ns - told_after_ns(stream.kind))",
        new="start_ns = max(cursor_ns, heard_ns) + 3_000_000_000",
        breaks="history is read from a little behind the last event told",
    ),
    Mutant(
        name="no_settle",
        file="core/splice.py",
        old='return "closed" if settled_ns >= self.acked_ns else "open"',
        new='return "closed"',
        breaks="a hole counts as closed although history that lags has not shown it yet",
    ),
    Mutant(
        name="closed_without_overlap",
        file="core/splice.py",
        old='if not ours & shown:\n            return "open"',
        new='if not ours & shown:\n            return "closed"',
        breaks="a hole is closed before history has met the line",
    ),
    Mutant(
        name="first_page_only",
        file="flow/backfill.py",
        old="            token = page.next_token\n            if token is None:\n                return\n",
        new="            return\n",
        breaks="of a long hole the first page alone is read",
        hidden="a page has 10,000 rows, which no simulated outage fills; tests/flow/test_backfill.py reads many pages",
    ),
    Mutant(
        name="dedupe_without_exchange",
        file="core/identity.py",
        old="return (event.exchange, event.id, event.ts_ns, event.price, event.size)",
        new="return event.id",
        breaks="trades of one instant at two exchanges that number alike are taken for one",
        hidden="ids are compared within an instant alone, and made trades of one instant are of one exchange",
    ),
    Mutant(
        name="dedupe_by_time",
        file="core/identity.py",
        old="return (event.exchange, event.id, event.ts_ns, event.price, event.size)",
        new="return event.ts_ns",
        breaks="of several trades of one instant one is told",
    ),
    Mutant(
        name="no_dedupe",
        file="core/sequencer.py",
        old="                if same_message(old, event):\n                    return True\n",
        new="",
        breaks="what the venue sends twice is told twice",
    ),
    Mutant(
        name="held_told_first",
        file="core/splice.py",
        old="out = self._weave(rows) + self.held",
        new="out = self.held + self._weave(rows)",
        breaks="behind a hole the live events come before the history that they follow",
    ),
    Mutant(
        name="held_forgotten",
        file="core/splice.py",
        old="        self._pending, self.held = [], []\n        return out",
        new="        out, self._pending, self.held = out[: -len(self.held) or None], [], []\n        return out",
        breaks="live events that were held during a backfill are lost",
    ),
    Mutant(
        name="cursor_first",
        file="core/sequencer.py",
        old="            elif not self._take(told, event):\n",
        new="            elif event.ts_ns <= told.last_ns or not self._take(told, event):\n",
        breaks="an event of the instant of the last one counts as told",
    ),
    Mutant(
        name="gap_not_declared",
        file="flow/backfill.py",
        old="            self.publish_gap(gap)\n"
        "            self.holes.declare(gap, self.reason)\n"
        "            events = events[first:]",
        new="            events = events[first:]",
        breaks="a hole that history did not fill is passed over in silence",
    ),
    Mutant(
        name="loss_not_minded",
        file="flow/stream.py",
        old="            self._receiving = False\n            self._mind_loss()",
        new="            self._receiving = False",
        breaks="after a reconnect nobody asks history for what was missed",
    ),
    Mutant(
        name="no_order_repair",
        file="core/sequencer.py",
        old="        return events if self._reordered == reordered else _mend(events)",
        new="        return events[::-1] if len(events) > 2 else events",
        breaks="an arrival is told backwards",
    ),
    Mutant(
        name="drop_not_told",
        file="core/overflow.py",
        old="            self.dropped[stream] += count\n            self._widen(",
        new="            self.delivered += count\n            (",
        breaks="what a full channel drops counts as delivered, and no gap says so",
    ),
    Mutant(
        name="unbounded_queue",
        file="core/overflow.py",
        old='        if self.full == "block" or len(self) <= self.capacity:\n            return',
        new='        if self.full != "fail" or len(self) <= self.capacity:\n            return',
        breaks="a channel that should drop grows without end",
    ),
    Mutant(
        name="conflated_uncounted",
        file="core/overflow.py",
        old="            if self._newest.pop(stream, None) is not None:\n                self.conflated[stream] += 1\n",
        new="            self._newest.pop(stream, None)\n",
        breaks="what a newer event replaces is in no book",
    ),
    Mutant(
        name="content_of_the_neighbour",
        file="core/splice.py",
        old="            out.append(ours_left.pop(at))",
        new="            out.append(row)",
        breaks="",
        hidden="history tells the same of an event as the line does, so that nothing differs",
    ),
)
