"""Orders, positions and fills."""

from typing import Final

from engine.web.looks.html import Html, html, join
from engine.web.looks.words import MINUS, clock, count, money, panel, pill, price, seconds, side, table
from engine.web.scene import Scene
from engine.web.scene.scene import FILLS_MAX

SHOWN_MAX: Final = 200
"""Rows of a table; the newest."""
WATCHING: Final = "The strategies of this session only watch: none of them may place orders."


def pieces(scene: Scene) -> dict[str, Html]:
    """What of this page changes."""
    return {
        "positions": position_rows(scene),
        "orders": order_rows(scene),
        "books": book_rows(scene),
        "fills": fill_rows(scene),
    }


def body(scene: Scene, _csrf: str) -> Html:
    """The page below its heading."""
    told = pieces(scene)
    left = join(
        (
            panel("positions", "Positions", told["positions"]),
            panel("orders", "Open orders", told["orders"]),
            panel("books", "By strategy", told["books"]),
        )
    )
    return html('<div class="columns"><div>{}</div><div>{}</div></div>', left, panel("fills", "Fills", told["fills"]))


def position_rows(scene: Scene, symbol: str = "") -> Html:
    """What is held, of one symbol or of all."""
    account = scene.overview.report.account
    if account is None:
        return html('<p class="empty">{}</p>', WATCHING)
    rows = [
        (
            row.symbol, row.strategy, _signed(row.qty), price(row.entry_price), price(row.price),
            money(row.unrealized), money(row.realized),
        )
        for row in account.positions
        if symbol in ("", row.symbol)
    ]  # fmt: skip
    columns = (
        ("Symbol", ""), ("Strategy", "wide name"), ("Qty", "num"), ("Entry", "num"), ("Last", "num"),
        ("Unrealized", "num"), ("Realized", "num wide"),
    )  # fmt: skip
    return table("Positions", columns, rows[:SHOWN_MAX], "Nothing is held.")


def order_rows(scene: Scene, symbol: str = "") -> Html:
    """Orders that can still be filled, or whose fate nobody knows."""
    rows = [
        (
            row.symbol, side(row.side), row.strategy or "somebody else", f"{row.filled} / {row.qty}",
            row.type.replace("_", " "), price(row.limit), price(row.stop),
            pill(row.status.replace("_", " "), "bad" if row.status == "unknown" else "calm"), seconds(row.age_s),
        )
        for row in reversed(scene.overview.orders)
        if symbol in ("", row.symbol)
    ]  # fmt: skip
    columns = (
        ("Symbol", ""), ("Side", ""), ("Strategy", "wide name"), ("Filled", "num"), ("Type", "wide"), ("Limit", "num"),
        ("Stop", "num wide"), ("Status", ""), ("Age", "num wide"),
    )  # fmt: skip
    return table("Open orders", columns, rows[:SHOWN_MAX], "No order is open.")


def book_rows(scene: Scene) -> Html:
    """Each strategy's orders by what became of them."""
    account = scene.overview.report.account
    if account is None:
        return html('<p class="empty">{}</p>', WATCHING)
    rows = [
        (
            row.strategy, money(row.profit), count(row.orders), count(row.open), count(row.filled),
            count(row.canceled), count(row.refused),
            html('<span class="{}">{}</span>', "bad" if row.unknown else "", row.unknown),
        )
        for row in account.orders
    ]  # fmt: skip
    columns = (
        ("Strategy", "name"), ("Today", "num"), ("Orders", "num"), ("Open", "num"), ("Filled", "num"),
        ("Canceled", "num wide"), ("Refused", "num wide"), ("Unknown", "num"),
    )  # fmt: skip
    return table("Orders by strategy", columns, rows, "No strategy has placed an order.")


def fill_rows(scene: Scene, symbol: str = "") -> Html:
    """The newest fills."""
    rows = [
        (clock(row.at), row.symbol, side(row.side), row.qty, price(row.price), row.strategy or "somebody else")
        for row in scene.fills
        if symbol in ("", row.symbol)
    ]
    columns = (("Time", ""), ("Symbol", ""), ("Side", ""), ("Qty", "num"), ("Price", "num"), ("Strategy", "wide name"))
    if not symbol or len(scene.fills) < FILLS_MAX:
        return table("Fills", columns, rows, "Nothing was filled yet.")
    older = f"Of the newest {FILLS_MAX} fills of all symbols; older ones are on the chart."
    return join((table("Fills", columns, rows, "None."), html('<p class="note">{}</p>', older)))


def _signed(qty: str) -> Html:
    short = qty.startswith("-")
    return html(
        '<span class="{}">{} {}</span>',
        "down" if short else "up",
        qty.replace("-", MINUS),
        "short" if short else "long",
    )
