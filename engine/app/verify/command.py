"""``gapless verify`` from flags to exit code: 0 identical, 1 something differs, else why it could not be verified."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from engine.app.options import LoadedStrategy
from engine.app.plugins.params import load_strategies
from engine.app.verify.flags import VerifyFlags
from engine.app.verify.tell import tell
from engine.errors import Misconfigured, StoreFailed
from engine.flow.journal.again import Verified, verify_strategy
from engine.store.session import Player, RecordedSession, read_session

IDENTICAL: Final = 0
DIFFERS: Final = 1


@frozen(kw_only=True)
class Verification:
    """What came of a session, strategy by strategy. ``changed`` are those whose file is another one now."""

    folder: Path
    strategies: tuple[Verified, ...]
    changed: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether all of them asked for the same."""
        return all(one.identical for one in self.strategies)


def verify_command(flags: VerifyFlags) -> int:
    """Verify a session and tell. Raises `GaplessError` where it or its strategies cannot be read."""
    verification = verify_session(Path(flags.session), flags.strategy)
    tell(verification.strategies, verification.folder, verification.changed, as_json=flags.json)
    return IDENTICAL if verification.identical else DIFFERS


def verify_session(folder: Path, names: Sequence[str] = ()) -> Verification:
    """Run the strategies of a recorded session again, or those of ``names``.

    Raises `Misconfigured` for a folder or a name that is none, `StrategyNotLoaded` for code that no longer loads,
    `StoreFailed` for a session that is damaged.
    """
    session = read_session(folder)
    players = _chosen(session, names)
    loaded = [load_player(player) for player in players]
    return Verification(
        folder=folder,
        strategies=tuple(_verify(session, one) for one in loaded),
        changed=tuple(player.name for player in players if _changed(player)),
    )


def load_player(player: Player) -> LoadedStrategy:
    """A strategy of a session as it is now, with the parameters that it had then."""
    if not player.source:
        raise Misconfigured(
            f"The session's manifest does not say where {player.name} came from; it cannot be run again."
        )
    sets = [f"{name}={value}" for name, value in player.params.items() if value != str(None)]
    (loaded,) = load_strategies((player.source,), sets)
    return evolve(loaded, name=player.name)


def _chosen(session: RecordedSession, names: Sequence[str]) -> list[Player]:
    there = {player.name: player for player in session.manifest.strategies}
    if not there:
        raise Misconfigured(f"{session.folder} is a session without strategies: there is nothing to verify in it.")
    for name in names:
        if name not in there:
            raise Misconfigured(f"--strategy {name}: no such strategy took part; there were {', '.join(there)}.")
    return [there[name] for name in dict.fromkeys(names or there)]


def _verify(session: RecordedSession, loaded: LoadedStrategy) -> Verified:
    verified = verify_strategy(
        loaded.name,
        loaded.strategy,
        loaded.params,
        records=session.records,
        market=session.market,
        seed=session.manifest.seeds.get("session", 0),
    )
    if session.manifest.finished and verified.identical and not verified.finished:
        raise StoreFailed(
            f"The session in {session.folder} ended in order, and its journal stops before the end of {loaded.name}: "
            "its files were cut or changed; take them from a copy."
        )
    return verified


def _changed(player: Player) -> bool:
    if not player.file or not player.sha256:
        return False
    try:
        return hashlib.sha256(Path(player.file).read_bytes()).hexdigest() != player.sha256
    except OSError:
        return True
