"""Bugs of the order side: what is sent, what is written first, what is believed, what survives a death."""

from typing import Final

from engine.testing.simulate.mutants.mutant import Mutant

ORDERS: Final = (
    Mutant(
        name="blind_retry",
        file="venues/alpaca/calls.py",
        old="            reply = await self.client.send(asking)\n"
        "        except LineLost as error:\n"
        "            raise ReplyMissing(",
        new="            try:\n                reply = await self.client.send(asking)\n            except LineLost:\n"
        "                reply = await self.client.send(asking)\n        except LineLost as error:\n"
        "            raise ReplyMissing(",
        breaks="an order whose reply was lost is sent again without asking",
    ),
    Mutant(
        name="late_after_close",
        file="venues/alpaca/http/pool.py",
        old="socket_options=[ABORT]",
        new="socket_options=[]",
        breaks="a request that was given up arrives when the network is back",
        hidden="it needs an order on a path that freezes for longer than its patience, which one seed in seventy has; "
        "tests/venues/alpaca/test_http_writes.py and the plan frozen_orders hold it",
    ),
    Mutant(
        name="absent_at_once",
        file="flow/desk/resolving.py",
        old="owned.absences = owned.absences + 1 if absent and settled else 0",
        new="owned.absences = self.tuning.absences_min if absent else 0",
        breaks="one early 'no such order' is believed",
    ),
    Mutant(
        name="send_before_intent",
        file="flow/desk/sending.py",
        old="            await owned.through.wait()\n"
        '            owned.withheld = None if owned.written else NotReady(UNWRITTEN, rule="not_ready")',
        new="            owned.withheld = None",
        breaks="an order leaves before its intent is on disk",
    ),
    Mutant(
        name="intent_not_synced",
        file="store/orderfile.py",
        old='    connection.execute("PRAGMA synchronous = FULL")',
        new='    connection.execute("PRAGMA synchronous = OFF")',
        breaks="a loss of power takes intents with it whose orders were sent",
    ),
    Mutant(
        name="intent_written_soon",
        file="flow/desk/sending.py",
        old="            await self.record.keep(owned.decided, *(() if saved is None else (saved,)))",
        new="            self.record.note(owned.decided, *(() if saved is None else (saved,)))\n"
        "            await trio.lowlevel.checkpoint()",
        breaks="nobody waits for the disk before an order is sent",
    ),
    Mutant(
        name="lost_cancel",
        file="flow/desk/ending.py",
        old="            await self.broker.cancel(order_id)\n"
        "        except OrderRefused as no:\n"
        "            refused = no",
        new="            await trio.lowlevel.checkpoint()\n"
        "        except OrderRefused as no:\n"
        "            refused = no",
        breaks="orders are not canceled",
    ),
    Mutant(
        name="unshielded_send",
        file="flow/desk/sending.py",
        old="        with trio.move_on_after(self.tuning.send_shield_s, shield=True):\n"
        "            await self._send(owned)",
        new="        with trio.move_on_after(0.001):\n            await self._send(owned)",
        breaks="a request that is half sent is left, and its answer read by nobody",
        hidden="an order that is left half sent is unknown, and found out by asking: slower, and not wrong",
    ),
    Mutant(
        name="unshielded_exit",
        file="flow/trading/trading.py",
        old="            with trio.move_on_after(scope.within_s, shield=True):",
        new="            with trio.move_on_after(scope.within_s):",
        breaks="a block of orders that is cancelled leaves its orders behind",
    ),
    Mutant(
        name="fill_twice",
        file="core/blotter/executions.py",
        old="    for fill in ticket.fills:\n"
        "        if fill.execution_id == told.execution_id:\n"
        "            if fill.fee or not told.fee:",
        new="    for fill in ticket.fills[:0]:\n"
        "        if fill.execution_id == told.execution_id:\n"
        "            if fill.fee or not told.fee:",
        breaks="an execution that is told on both roads counts twice",
    ),
    Mutant(
        name="late_fill_dropped",
        file="core/blotter/telling.py",
        old="        if sentence := conflict(ticket, fill):",
        new="        if ticket.order is not None and not ticket.order.open:\n            return False\n"
        "        if sentence := conflict(ticket, fill):",
        breaks="a fill that comes behind the cancel is not booked",
    ),
    Mutant(
        name="unknown_is_absent",
        file="flow/desk/sending.py",
        old="        except ReplyMissing:\n"
        "            self.probe(Step.SUBMIT_NOT_ANSWERED)\n"
        "            await trio.lowlevel.checkpoint()\n"
        "            return",
        new="        except ReplyMissing as missing:\n            self.probe(Step.SUBMIT_NOT_ANSWERED)\n"
        "            refused = OrderRefused(str(missing), client_order_id=cid)",
        breaks="an order that was not answered counts as refused",
    ),
    Mutant(
        name="one_page_of_orders",
        file="venues/alpaca/broker.py",
        old="            if sum(map(len, page)) < PAGE_ORDERS:\n                return",
        new="            if page is not None:\n                return",
        breaks="of many open orders the first page alone is known",
        hidden="a page has 500 orders, and no simulated trader has as many open; tests/venues/alpaca/test_broker.py",
    ),
    Mutant(
        name="failure_is_empty",
        file="venues/alpaca/broker.py",
        old='        found = await self._calls.find(f"{ORDERS}:by_client_order_id", params, parse_order)',
        new="        try:\n"
        '            found = await self._calls.find(f"{ORDERS}:by_client_order_id", params, parse_order)\n'
        "        except BrokerUnavailable:\n            return ()",
        breaks="a question for an order that failed means that there is none",
    ),
    Mutant(
        name="no_fence",
        file="flow/desk/record.py",
        old="            if at_s <= before_s:\n                fence = mark",
        new="            fence = mark",
        breaks="reads that trail writes are believed against what was just told",
        rare="it needs two rounds within three seconds of a fill while reads are stale; "
        "tests/flow/desk/test_reconcile.py holds it",
    ),
    Mutant(
        name="restart_forgets",
        file="core/blotter/blotter.py",
        old="        for intent in remembered.intents:\n"
        "            books.restore(_ticket(intent))\n"
        "        for ticket in remembered.tickets:",
        new="        for ticket in remembered.tickets[:0]:",
        breaks="after a restart the orders of the former run are nobody's",
    ),
    Mutant(
        name="id_reused",
        file="core/blotter/blotter.py",
        old="        self._next_seq[strategy] = seq + 1\n",
        new="        self._next_seq[strategy] = seq + seq % 2\n",
        breaks="two orders have one client order id",
    ),
    Mutant(
        name="session_reused",
        file="store/orderfile.py",
        old='            session = _base36(number) + _base36(now_ns).rjust(_SESSION_DIGITS, "0")',
        new='            session = "same"',
        breaks="the ids of a run are those of the run before",
        hidden="orders are numbered on where the file ends, so that the name alone keeps nothing apart",
    ),
    Mutant(
        name="replay_not_started",
        file="flow/account/stream.py",
        old="                road_nursery.start_soon(self._keep_replay)\n",
        new="",
        breaks="what the account stream missed is not replayed",
    ),
    Mutant(
        name="no_rounds",
        file="flow/desk/reconcile.py",
        old="        taken = self.record.blotter.take_snapshot(snapshot, mark)",
        new="        taken = self.record.blotter.take_orders(())",
        breaks="the books are read and not compared",
    ),
    Mutant(
        name="gate_open",
        file="flow/desk/gate.py",
        old="        self.connected, self.reconciled, self.lost = False, False, reason",
        new="        self.connected, self.reconciled, self.lost = self.connected, self.reconciled, reason",
        breaks="positions are opened while the account's stream is down",
    ),
    Mutant(
        name="blind_entry",
        file="flow/desk/gate.py",
        old='        return "" if late_ok else self.data_missing(strategy)',
        new='        return ""',
        breaks="positions are opened while the data of their strategy is not live",
    ),
    Mutant(
        name="fills_one_page",
        file="flow/desk/reading.py",
        old="            fills.extend(page.fills)\n            mark = page.mark or mark\n            if not page.more:",
        new="            fills.extend(page.fills[:1])\n"
        "            mark = page.mark or mark\n"
        "            if not page.more or True:",
        breaks="of the executions that a reading lists the first is taken",
    ),
    Mutant(
        name="status_goes_back",
        file="core/blotter/joining.py",
        old="        ahead, behind = (known, told) if before > after else (told, known)",
        new="        ahead, behind = (told, known)",
        breaks="a late message puts an order back to what it was",
    ),
    Mutant(
        name="wash_not_checked",
        file="core/risk/crossing.py",
        old="        except Refused:\n            return order",
        new="        except Refused:\n            continue",
        breaks="orders that would trade with one's own are sent, and refused by the venue",
        hidden="the venue refuses what we would have held back, and nothing is lost by it; tests/core/risk holds it",
    ),
    Mutant(
        name="switch_not_latched",
        file="store/latches.py",
        old='            self._add(self._path(scope), f"{content}\\n".encode("ascii"))',
        new='            content.encode("ascii")',
        breaks="a tripped kill switch is forgotten",
        hidden="nothing trips the switch in a simulated session; engine.testing.crash kills the engine at the latch",
    ),
    Mutant(
        name="pending_forgotten",
        file="flow/desk/desk.py",
        old="        self.gate.inherited.add(owned.client_order_id)\n"
        "        self._owned[owned.client_order_id] = owned\n"
        "        order_nursery.start_soon(self._own, owned)",
        new="        self.gate.inherited.discard(owned.client_order_id)",
        breaks="what a former run sent and did not hear of is asked for by nobody",
    ),
)
