"""The strategies: how each is, what it was given, what it tells, and holding it back."""

from engine.web.looks.html import NOTHING, Html, html, join
from engine.web.looks.words import count, milliseconds, money, pill
from engine.web.scene import Card, Scene


def pieces(scene: Scene) -> dict[str, Html]:
    """What of this page changes."""
    return {"cards": cards(scene)}


def body(scene: Scene, _csrf: str) -> Html:
    """The page below its heading."""
    return html('<div class="cards piece" id="cards">{}</div>', cards(scene))


def cards(scene: Scene) -> Html:
    """One card for each strategy."""
    return join(_card(number, card) for number, card in enumerate(scene.cards))


def _card(number: int, card: Card) -> Html:
    states = [pill(card.state)]
    if card.paused_by:
        states.append(pill("paused", "watch"))
    if card.killed:
        states.append(pill("tripped", "bad"))
    figures = (
        ("Profit today", money(card.profit)),
        ("Orders", count(card.orders)),
        ("Fills", count(card.fills)),
        ("Lag p99", milliseconds(card.p99_ms)),
        ("Restarts", count(card.restarts)),
    )
    told = join(html("<div><dt>{}</dt><dd>{}</dd></div>", name, value) for name, value in figures)
    params = join(html("<div><dt>{}</dt><dd>{}</dd></div>", name, value) for name, value in card.params)
    tail = html(
        '<pre class="tail" tabindex="0" aria-label="What {} told last">{}</pre>', card.name, "\n".join(card.tail)
    )
    quiet = html('<p class="empty">It has told nothing yet.</p>')
    return html(
        '<section class="panel card" id="card-{}" aria-labelledby="card-{}-title"><header>'
        '<h2 id="card-{}-title">{}</h2><p class="states">{}</p></header>{}'
        '<dl class="figures">{}</dl><h3>Parameters</h3>{}<h3>Log</h3>{}<footer>{}</footer></section>',
        number, number, number, card.name, join(states, " "),
        html('<p class="error">✕ {}</p>', card.error) if card.error else NOTHING,
        told,
        html('<dl class="params">{}</dl>', params) if card.params else html('<p class="empty">It takes none.</p>'),
        tail if card.tail else quiet,
        _deeds(number, card),
    )  # fmt: skip


def _deeds(number: int, card: Card) -> Html:
    """Names of their own: what is open to pause must not become, under the finger, what resumes."""
    if not card.trades:
        return html('<p class="note">It only watches: there is nothing to pause.</p>')
    if card.paused_by:
        return html(
            '<p class="note">Paused by {}: orders that add risk are refused, its way out is open.</p>'
            '<details class="sure" id="resume-{}"><summary>Resume …</summary><p>It may place orders again at once.</p>'
            '<button type="submit" class="go" form="deed" formaction="/deeds/resume" name="strategy" value="{}">'
            "Yes, resume {}</button></details>",
            card.paused_by, number, card.name, card.name,
        )  # fmt: skip
    return html(
        '<details class="sure" id="pause-{}"><summary>Pause …</summary><p>New orders that add risk will be refused '
        "(rule <code>paused</code>); exits go, and orders that are open stay.</p>"
        '<button type="submit" class="go" form="deed" formaction="/deeds/pause" name="strategy" value="{}">'
        'Yes, pause {}</button></details><a class="button danger" href="/kill">Kill switch …</a>',
        number, card.name, card.name,
    )  # fmt: skip
