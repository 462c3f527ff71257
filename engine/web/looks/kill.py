"""The kill switch: what it does, what is tripped, and tripping it, which takes a word."""

from typing import Final

from engine.web.looks.html import NOTHING, Html, html, join
from engine.web.looks.orders import WATCHING
from engine.web.scene import Scene
from engine.web.scene.scene import ACCOUNT

WORD: Final = "KILL"
"""What has to be typed: nobody types it by accident."""
_DOES: Final = {
    "flatten": "cancels every open order in its scope and closes every position that its strategies hold",
    "cancel": "cancels every open order in its scope, and keeps what is held",
}


def pieces(scene: Scene) -> dict[str, Html]:
    """What of this page changes."""
    return {"latches": latches(scene)}


def body(scene: Scene, csrf: str) -> Html:
    """The page below its heading."""
    if not scene.trades:
        return html('<p class="empty">{} There is nothing to kill.</p>', WATCHING)
    choices = join(
        html('<option value="{}">{}</option>', value, name)
        for value, name in (
            (ACCOUNT, "all strategies"),
            *((card.name, card.name) for card in scene.cards if card.trades),
        )
    )
    return html(
        '<div class="piece" id="latches">{}</div>'
        '<section class="panel trip" aria-labelledby="trip-title"><header><h2 id="trip-title">Trip it</h2></header>'
        "<p>From then on nothing that adds risk is sent. It {}, at once. Only a person can reset it, "
        "with <code>gapless kill --reset</code>.</p>"
        '<form method="post" action="/deeds/kill" autocomplete="off"><div class="field">'
        '<label for="scope">Scope</label><select id="scope" name="scope">{}</select></div><div class="field">'
        '<label for="confirm">Type <strong>{}</strong> to confirm</label>'
        '<input id="confirm" name="confirm" type="text" required pattern="{}" spellcheck="false" '
        'autocapitalize="characters" aria-describedby="confirm-why"></div>'
        '<p class="note" id="confirm-why">In capitals, so that nobody trips it by accident.</p>'
        '<input type="hidden" name="csrf" value="{}">'
        '<button type="submit" class="danger">■ Trip the kill switch</button></form></section>',
        latches(scene), _DOES.get(scene.on_kill, _DOES["flatten"]), choices, WORD, WORD, csrf,
    )  # fmt: skip


def latches(scene: Scene) -> Html:
    """What is tripped, and why."""
    if not scene.trades:
        return NOTHING
    if not scene.killed:
        return html('<p class="panel armed"><span class="pill good"><span aria-hidden="true">●</span> armed</span> '
                    "Nothing is tripped: strategies may place orders.</p>")  # fmt: skip
    rows = join(
        html("<li><strong>{}</strong> {}</li>", "All strategies:" if scope == ACCOUNT else f"{scope}:", reason)
        for scope, reason in scene.killed.items()
    )
    return html(
        '<section class="panel tripped" role="alert"><h2>■ Tripped</h2><ul>{}</ul>'
        "<p>Nothing that adds risk is sent in this scope. To reset it: <code>gapless kill --reset</code></p></section>",
        rows,
    )
