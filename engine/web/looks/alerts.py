"""What somebody should look at, and saying that somebody does."""

from typing import Final
from urllib.parse import quote

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
    """Those that wait, then those that somebody takes care of, then those that are over; the worst of each first."""
    states, severities = ("open", "acknowledged", "over"), tuple(_SEVERE)
    rows = sorted(scene.overview.alarms, key=lambda row: (states.index(row.state), severities.index(row.severity)))
    if not rows:
        return html('<p class="empty all-well"><span aria-hidden="true">✓</span> All is well: no alert stands.</p>')
    return join(map(_alarm, rows[:SHOWN_MAX]))


def _alarm(row: AlarmRow) -> Html:
    kind, sign = _SEVERE[row.severity]
    name = f"alarm-{quote(row.key, safe='')}"  # its own: a button under a finger must not become that of another
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
        '<article class="panel alarm {} {}" id="{}" aria-labelledby="{}-title"><header>'
        '<span class="severity {}"><span aria-hidden="true">{}</span> {}</span>{}<h2 id="{}-title">{}</h2></header>'
        '<p>{}</p><footer><p class="note">since {} · last {} · {}&times; · <code>{}</code>{}</p>{}</footer></article>',
        kind, row.state, name, name, kind, sign, row.severity, _state(row), name, row.title,
        row.text, clock(row.since), clock(row.last), count(row.count), row.key, by, deed,
    )  # fmt: skip


def _state(row: AlarmRow) -> Html:
    return pill(row.state, "calm" if row.severity == "info" and row.state == "open" else "")
