"""Taking secrets out of a scene: every sentence in it that came from an exception, a strategy or a venue."""

from collections.abc import Callable

from attrs import evolve

from engine.web.scene.scene import Scene

Redact = Callable[[str], str]


def mask(scene: Scene, redact: Redact) -> Scene:
    """The same scene, fit to be shown. Costs a millisecond or two: not for Trio's thread."""
    told = scene.overview
    overview = evolve(
        told,
        alarms=tuple(evolve(row, title=redact(row.title), text=redact(row.text)) for row in told.alarms),
        moments=tuple(evolve(row, text=redact(row.text)) for row in told.moments),
        tasks=tuple(evolve(row, detail=redact(row.detail)) if row.detail else row for row in told.tasks),
        report=evolve(told.report, gaps=tuple(evolve(row, cause=redact(row.cause)) for row in told.report.gaps)),
    )
    return evolve(
        scene,
        overview=overview,
        cards=tuple(evolve(card, error=redact(card.error)) if card.error else card for card in scene.cards),
        killed={scope: redact(reason) for scope, reason in scene.killed.items()},
    )
