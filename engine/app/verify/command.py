"""``gapless verify`` from flags to exit code: 0 identical, 1 something differs, else why it could not be verified."""

import hashlib
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Final

from engine.app.logs import configure_logs
from engine.app.options import LoadedStrategy
from engine.app.plugins.params import load_again
from engine.app.record.command import RECORDER
from engine.app.replay.seal import sealed
from engine.app.replay.seal.act import watched
from engine.app.replay.seal.watch import DICE, FILES, TIME
from engine.app.verify.flags import VerifyFlags
from engine.app.verify.tell import tell
from engine.app.verify.verification import Verdict, Verification
from engine.errors import Misconfigured, StoreFailed, StrategyNotLoaded
from engine.flow.journal.again import verify_strategy
from engine.store.session import Manifest, Player, RecordedSession, read_session

IDENTICAL: Final = 0
DIFFERS: Final = 1
REPLAY: Final = "replay"
"""The venue of a replay's session."""
_TOLERATED: Final = frozenset({TIME, DICE, FILES})
"""What a strategy may look at beside its context here: it did then, and often decides nothing by it."""


def verify_command(flags: VerifyFlags) -> int:
    """Verify a session and tell. Raises `GaplessError` where it or its strategies cannot be read."""
    configure_logs(level="error")  # what strategies log was logged when they ran
    verification = verify_session(Path(flags.session), flags.strategy)
    tell(verification, as_json=flags.json)
    return IDENTICAL if verification.identical else DIFFERS


def verify_session(folder: Path, names: Sequence[str] = ()) -> Verification:
    """Run the strategies of a recorded session again, or those of ``names``.

    Raises `Misconfigured` for a folder or a name that is none, `StrategyNotLoaded` for code that no longer loads,
    `StoreFailed` for a session that is damaged.
    """
    session = read_session(folder)
    if session.manifest.venue == REPLAY:
        tapes = " ".join(str(name) for name in session.manifest.settings.get("tapes", ()))
        raise Misconfigured(
            f"{folder} is the session of a replay, whose market stayed on its tapes ({tapes}): 'gapless replay' of the "
            "same tapes and strategies tells the same fingerprint if nothing has changed. A session of 'gapless run "
            "--record' can be verified."
        )
    players = _chosen(session, names)
    loaded = [load_player(player) for player in players]
    return Verification(
        folder=folder,
        verdicts=tuple(_verify(session, player, one) for player, one in zip(players, loaded, strict=True)),
        versions=_versions(session.manifest),
    )


def load_player(player: Player) -> LoadedStrategy:
    """A strategy of a session as it is now, with the parameters that it had then."""
    if not player.source:
        raise Misconfigured(
            f"The session's manifest does not say where {player.name} came from; it cannot be run again."
        )
    try:
        return load_again(player.source, player.name, player.params)
    except StrategyNotLoaded as error:
        raise StrategyNotLoaded(
            f"{error} The session ran {player.name} from there: put its code back, or verify others with --strategy."
        ) from error
    except Misconfigured as error:
        raise Misconfigured(
            f"{error} It cannot be run again with the parameters of its session: take its code of then, or verify the "
            "others with --strategy."
        ) from error


def _chosen(session: RecordedSession, names: Sequence[str]) -> list[Player]:
    there = {player.name: player for player in session.manifest.strategies if player.source != RECORDER}
    if not there:
        raise Misconfigured(f"{session.folder} is a session without strategies: there is nothing to verify in it.")
    for name in names:
        if name not in there:
            raise Misconfigured(f"--strategy {name}: no such strategy took part; there were {', '.join(there)}.")
    return [there[name] for name in dict.fromkeys(names or there)]


def _verify(session: RecordedSession, player: Player, loaded: LoadedStrategy) -> Verdict:
    # What a strategy prints was said then, as what it logs; what it looks at beside its context is noted, and what
    # would be done to somebody once more is refused.
    with redirect_stdout(_Nowhere()), sealed((loaded,), tolerated=_TOLERATED) as seal:
        verified = verify_strategy(
            loaded.name,
            watched(loaded).strategy,
            loaded.params,
            records=session.records,
            market=session.market,
            seed=session.manifest.seeds.get("session", 0),
        )
    if session.manifest.finished and not session.manifest.failed and verified.identical and not verified.finished:
        raise StoreFailed(
            f"The session in {session.folder} ended in order, and "
            f"{verified.lacks or f'its journal stops before the end of {loaded.name}'}: its files were cut or changed; "
            "take them from a copy."
        )
    return Verdict(verified=verified, changed=_changed(player), params=player.params, outside=tuple(seal.outside))


def _versions(manifest: Manifest) -> tuple[str, ...]:
    here = Manifest(started_ns=0)
    return tuple(
        f"{name} {then} then, {now} now"
        for name, then, now in (
            ("gapless", manifest.gapless, here.gapless),
            ("Python", manifest.python, here.python),
            ("Trio", manifest.trio, here.trio),
        )
        if then != now
    )


class _Nowhere(StringIO):
    """Text that nobody reads."""

    def write(self, text: str) -> int:
        """Forget it."""
        return len(text)


def _changed(player: Player) -> bool:
    if not player.file or not player.sha256:
        return False
    try:
        return hashlib.sha256(Path(player.file).read_bytes()).hexdigest() != player.sha256
    except OSError:
        return True
