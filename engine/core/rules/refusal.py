"""A refusal: what the venue answers instead of taking an order, a change or a cancel.

Alpaca's body codes are overloaded, so the text is often the only thing to tell one refusal from another, and clients
do read it. A refusal therefore carries exactly what goes over the wire, and beside it the short name of the rule, which
is ours: tests and reports can speak of ``sub_penny`` instead of a sentence.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Refused(Exception):
    """The venue's no. ``status`` is the HTTP status, ``code`` the body's.

    ``extra`` are further keys of the body, such as ``available`` or ``existing_order_id``; ``rule`` is the name, in
    lower case, of the `engine.core.rules.table.Rule` that was broken.
    """

    def __init__(self, rule: str, status: int, code: int, message: str, extra: Mapping[str, str] = NOTHING) -> None:
        super().__init__(message)
        self.rule = rule
        self.status = status
        self.code = code
        self.message = message
        self.extra = extra


def plain(value: Decimal) -> str:
    """A number as the venue writes it: no exponent, no trailing zeros.

    >>> plain(Decimal("1E+2")), plain(Decimal("0.50")), plain(Decimal("-0.0"))
    ('100', '0.5', '0')
    """
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
