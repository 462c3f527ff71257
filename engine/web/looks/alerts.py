"""What somebody should look at, and saying that somebody does."""

from typing import Final

from engine.app.beside.overview import AlarmRow
from engine.web.looks.html import NOTHING, Html, html, join
from engine.web.looks.words import clock, count, pill
from engine.web.scene import Scene

SHOWN_MAX: Final = 200
_SEVERE: Final = {"critical": ("bad", "▲"), "warning": ("watch", "◆"), "info": ("calm", "●")}


def pieces(scene: Scene) -> dict[str, Html]:
    """What of this page changes."""
    return {"alarms": alarms(scene)}


def body(scene: Scene, _csrf: str) -> Html:
    """The page below its heading."""
    return html('<div class="alarms piece" id="alarms">{}</div>', alarms(scene))


def alarms(scene: Scene) -> Html:
    """Those that wait first, then those that somebody takes care of, then those that are over."""
    order = {"open": 0, "acknowledged": 1, "over": 2}
    rows = sorted(scene.overview.alarms, key=lambda row: order.get(row.state, 0))[:SHOWN_MAX]
    if not rows:
        return html('<p class="empty all-well"><span aria-hidden="true">✓</span> All is well: no alert stands.</p>')
    return join(_alarm(number, row) for number, row in enumerate(rows))


def _alarm(number: int, row: AlarmRow) -> Html:
    kind, sign = _SEVERE.get(row.severity, _SEVERE["info"])
    waits = row.state == "open"
    deed = (
        html(
            '<button type="submit" form="deed" formaction="/deeds/acknowledge" name="key" value="{}">Acknowledge'
            '<span class="unseen"> {}</span></button>',
            row.key, row.title,
        )
        if waits
        else NOTHING
    )  # fmt: skip
    by = html(" · acknowledged by {}", row.acknowledged_by) if row.acknowledged_by else NOTHING
    return html(
        '<article class="panel alarm {} {}" aria-labelledby="alarm-{}"><header>'
        '<span class="severity {}"><span aria-hidden="true">{}</span> {}</span><h2 id="alarm-{}">{}</h2>{}</header>'
        '<p>{}</p><footer><p class="note">since {} · last {} · {}&times; · <code>{}</code>{}</p>{}</footer></article>',
        kind, row.state, number, kind, sign, row.severity, number, row.title, pill(row.state),
        row.text, clock(row.since), clock(row.last), count(row.count), row.key, by, deed,
    )  # fmt: skip
