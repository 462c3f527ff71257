"""Alpaca's order rules: what is refused, with which status, code and words. Pure, so that both sides can ask.

The exchange refuses by them, and whoever sends orders can ask them first. The table of all of them is `Rule`.
"""

from engine.core.rules.multileg import check_legs as check_legs
from engine.core.rules.refusal import Refused as Refused
from engine.core.rules.refusal import plain as plain
from engine.core.rules.request import check_request as check_request
from engine.core.rules.standing import check_cancel as check_cancel
from engine.core.rules.standing import check_replace as check_replace
from engine.core.rules.table import Rule as Rule
from engine.core.rules.wash import check_wash as check_wash
