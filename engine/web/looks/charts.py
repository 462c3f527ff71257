"""Candles of a symbol, with our orders and fills on them. The browser draws them; here is what stands around."""

from urllib.parse import quote

from engine.web.looks.html import Html, html, join
from engine.web.looks.orders import fill_rows, order_rows, position_rows
from engine.web.looks.words import panel
from engine.web.scene import Scene


def path_of(symbol: str) -> str:
    """Where the chart of a symbol is."""
    return f"/charts?symbol={quote(symbol, safe='')}"


def pieces(scene: Scene, symbol: str) -> dict[str, Html]:
    """What of this page changes, but for the candles."""
    return {
        "symbols": symbols(scene, symbol),
        "positions": position_rows(scene, symbol),
        "orders": order_rows(scene, symbol),
        "fills": fill_rows(scene, symbol),
    }


def body(scene: Scene, symbol: str, _csrf: str) -> Html:
    """The page below its heading."""
    picker = html('<nav class="symbols piece" id="symbols" aria-label="Symbols">{}</nav>', symbols(scene, symbol))
    if not symbol:
        return html(
            '{}<p class="empty">No symbol is chosen: each is here once a strategy has subscribed to it, '
            "or holds some of it.</p>",
            picker,
        )
    told = pieces(scene, symbol)
    chart = html(
        '<section class="panel chart" aria-labelledby="candles-title"><header><h2 id="candles-title">{}</h2>'
        '<p class="ohlc" id="ohlc" aria-live="off"></p>'
        '<p class="note">minutes · <span class="key up"></span>up, hollow · <span class="key down"></span>down, filled'
        '</p></header><div id="candles" class="candles" data-symbol="{}" role="img" '
        'aria-label="Minute candles of {} with our orders and fills"></div>'
        '<p class="note" id="chart-note" role="status"></p></section>',
        symbol, symbol, symbol,
    )  # fmt: skip
    left = join((panel("positions", "Held", told["positions"]), panel("orders", "Open orders", told["orders"])))
    below = html('<div class="columns"><div>{}</div><div>{}</div></div>', left, panel("fills", "Fills", told["fills"]))
    return join((picker, chart, below))


def symbols(scene: Scene, symbol: str) -> Html:
    """The way to the other charts."""
    return join(
        html(
            '<a href="{}"{}>{}</a>',
            path_of(one), Html(' aria-current="page"') if one == symbol else Html(""), one,
        )
        for one in scene.symbols
    )  # fmt: skip
