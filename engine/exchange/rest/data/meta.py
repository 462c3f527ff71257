"""The tables of codes: exchanges and trade and quote conditions, in short.

The venue's lists are longer and grow; these hold what this exchange uses and the commonest of the rest, from the public
specifications of the consolidated tapes and of OPRA.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from engine.exchange.rest.data.asking import BadRequest

STOCK_EXCHANGES: Final[Mapping[str, str]] = {
    "A": "NYSE American", "B": "NASDAQ OMX BX", "C": "National Stock Exchange", "D": "FINRA ADF",
    "H": "MIAX", "I": "International Securities Exchange", "J": "Cboe EDGA", "K": "Cboe EDGX",
    "L": "Long Term Stock Exchange", "M": "Chicago Stock Exchange", "N": "New York Stock Exchange", "P": "NYSE Arca",
    "Q": "NASDAQ", "S": "NASDAQ Small Cap", "T": "NASDAQ Int", "U": "Members Exchange", "V": "IEX", "W": "CBOE",
    "X": "NASDAQ OMX PSX", "Y": "Cboe BYX", "Z": "Cboe BZX",
}  # fmt: skip
TRADE_CONDITIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "A": {
        " ": "Regular Sale", "4": "Derivatively Priced", "6": "Closing Trade", "9": "Corrected Consolidated Close",
        "B": "Average Price Trade", "C": "Cash Trade", "E": "Automatic Execution", "F": "Intermarket Sweep Order",
        "I": "Odd Lot Trade", "M": "Market Center Official Close", "O": "Opening Trade",
        "Q": "Market Center Official Open", "T": "Extended Hours Trade", "U": "Extended Hours Sold (Out Of Sequence)",
        "Z": "Sold (Out Of Sequence)",
    },
    "C": {
        "@": "Regular Sale", "4": "Derivatively Priced", "6": "Closing Prints", "9": "Corrected Consolidated Close",
        "C": "Cash Sale", "F": "Intermarket Sweep", "I": "Odd Lot Trade", "M": "Market Center Close Price",
        "O": "Opening Prints", "Q": "Market Center Open Price", "T": "Form T", "U": "Extended Trading Hours",
        "W": "Average Price Trade", "Z": "Sold (Out Of Sequence)",
    },
}  # fmt: skip
QUOTE_CONDITIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "A": {
        "A": "Slow Quote Offer Side", "B": "Slow Quote Bid Side", "C": "Closing", "H": "Slow Quote Bid And Offer Side",
        "L": "Market Maker Quotes Closed", "N": "Non-Firm Quote", "O": "Opening Quote",
        "R": "Regular Market Maker Open", "W": "Slow Quote Set Slow List",
    },
    "C": {
        "A": "Manual Ask Automated Bid", "B": "Manual Bid Automated Ask", "F": "Fast Trading",
        "H": "Manual Bid And Ask", "I": "Order Imbalance", "L": "Closed Quote", "N": "Non Firm Quote",
        "O": "Opening Quote Automated", "R": "Regular Two Sided Open", "U": "Manual Bid And Ask Non Firm",
        "Y": "No Offer No Bid One Sided Open", "X": "Order Influx", "Z": "No Open No Resume",
    },
}  # fmt: skip
TAPES: Final[Mapping[str, str]] = {"A": "A", "B": "A", "C": "C", "N": "C", "O": "C"}
"""Which of the two tables a tape uses: those of CTA and UTP."""
OPTION_EXCHANGES: Final[Mapping[str, str]] = {
    "A": "AMEX - NYSE American", "B": "BOX - Boston Options Exchange", "C": "CBOE - Cboe Options Exchange",
    "D": "EMERALD - Miami International Stock Exchange", "E": "EDGX - Cboe EDGX Options Exchange",
    "H": "GEMX - NASDAQ GEMX", "I": "ISE - Nasdaq ISE", "J": "MRX - Nasdaq MRX",
    "M": "MIAX - Miami International Stock Exchange", "N": "ARCA - NYSE Arca", "O": "OPRA",
    "P": "PEARL - MIAX Pearl Options", "Q": "NASD - NASDAQ Options", "S": "SPHR - MIAX Sapphire",
    "T": "NASDAQ BX Options", "U": "MEMX Options", "W": "C2 - Cboe C2 Options Exchange", "X": "PHLX - NASDAQ PHLX",
    "Z": "BZX - Cboe BZX Options Exchange",
}  # fmt: skip
OPTION_CONDITIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "trade": {
        "A": "CANC", "B": "OSEQ", "C": "CNCL", "D": "LATE", "E": "CNCO", "F": "OPEN", "G": "CNOL", "H": "OPNL",
        "I": "AUTO", "J": "REOP", "S": "ISOI", "a": "SLAN", "f": "MLET",
    },
    "quote": {
        "A": "Eligible for automatic execution", "B": "Bid contains customer trading interest",
        "C": "Offer contains customer trading interest", "F": "Non-firm", "I": "Not eligible for electronic execution",
        "R": "Rotation", "T": "Trading halted",
    },
}  # fmt: skip


def render_stock_conditions(sort: str, tape: str | None) -> bytes:
    """``GET /v2/stocks/meta/conditions/{trade|quote}?tape=``."""
    tables = {"trade": TRADE_CONDITIONS, "quote": QUOTE_CONDITIONS}.get(sort)
    if tables is None:
        raise BadRequest(f"invalid ticktype: {sort}")
    if tape is None or tape not in TAPES:
        raise BadRequest(f"invalid tape: {tape or ''}")
    return msgspec.json.encode(tables[TAPES[tape]])


def render_option_conditions(sort: str) -> bytes:
    """``GET /v1beta1/options/meta/conditions/{trade|quote}``."""
    if sort not in OPTION_CONDITIONS:
        raise BadRequest(f"invalid ticktype: {sort}")
    return msgspec.json.encode(OPTION_CONDITIONS[sort])
