"""What becomes of a REST call: carried out or not, answered or not, and how.

The two questions are apart on purpose. What costs an account money is not the call that fails but the one that was
carried out and looks as if it had failed: an order accepted whose reply is lost, a gateway that answers 504 for an
exchange that has already bought.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from attrs import field, frozen

from engine.exchange.faults.kinds import Fault, Stage

ORDER_PATHS: Final = ("/v2/orders", "/v2/positions")
READS: Final = ("GET", "HEAD")


class CallFaults(Protocol):
    """What is asked of a `FaultPlan` about one call."""

    def use_for_call(self, kind: str, method: str, path: str, stage: Stage | None = None) -> Fault | None: ...


@frozen
class Verdict:
    """What is to happen with one call.

    ``status`` replaces the reply. ``silent`` is where the call falls silent, ``reset`` drops the connection in place of
    a reply. ``bare`` leaves out the headers that tell of the budget.
    """

    carried_out: bool = True
    status: int | None = None
    headers: Mapping[str, str] = field(factory=dict)
    bare: bool = False
    silent: Stage | None = None
    reset: bool = False


AS_USUAL: Final = Verdict()


def judge_call(plan: CallFaults, method: str, path: str) -> Verdict:
    """What the faults that stand now do to a call; each that acts is used up by it."""
    if plan.use_for_call("black_hole", method, path, "request"):
        return Verdict(carried_out=False, silent="request")
    if fault := plan.use_for_call("http_status", method, path):
        return _answered(fault, carried_out=False)
    if path.startswith(ORDER_PATHS) and method not in READS:
        if fault := plan.use_for_call("late_status", method, path):
            return _answered(fault, carried_out=True)
        if plan.use_for_call("lost_reply", method, path):
            return Verdict(reset=True)
    for stage in ("reply", "body"):
        if fault := plan.use_for_call("black_hole", method, path, stage):
            return Verdict(silent=fault.stage)
    return AS_USUAL


def _answered(fault: Fault, *, carried_out: bool) -> Verdict:
    return Verdict(carried_out=carried_out, status=fault.status or 500, headers=fault.headers, bare=fault.bare)
