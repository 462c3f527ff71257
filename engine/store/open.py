"""Opening the memory of an account, and closing it so that nothing waits to be written."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from engine.ports.steps import Probe, Step, ignore
from engine.store.compact import recall_compactly
from engine.store.folder import make_folder
from engine.store.lock import hold_lock
from engine.store.orderfile import open_order_file
from engine.store.sqlite import CLOSE_MAX_S, RunSync, SqliteStore


@asynccontextmanager
async def open_store(
    folder: Path,
    *,
    now_ns: Callable[[], int],
    probe: Probe = ignore,
    run_sync: RunSync = trio.to_thread.run_sync,
) -> AsyncIterator[SqliteStore]:
    """Open the order file in this folder for one engine, make it where there is none, and begin a session in it.

    ``now_ns`` is read once, for the name of the session and for what is too old. Raises `Misconfigured` when another
    engine has the folder, `StoreFailed`. What the block raises comes in a group, as from any nursery.

    Leaving the block writes what waits and closes the file, also when it is left by cancellation: shielded, and
    bounded by 10 s for each.
    """
    begun_ns = now_ns()
    probe(Step.STORE_OPENING)
    await run_sync(make_folder, folder)
    with hold_lock(folder):
        file = await run_sync(open_order_file, folder)
        try:
            probe(Step.SESSION_WRITING)
            await run_sync(file.begin_session, begun_ns)
            probe(Step.SESSION_WRITTEN)
            remembered = await run_sync(recall_compactly, file, begun_ns)
            probe(Step.STORE_OPENED)
            async with _serving(SqliteStore(remembered, file, probe, run_sync)) as store:
                yield store
        finally:
            probe(Step.STORE_CLOSING)
            with trio.CancelScope(deadline=trio.current_time() + CLOSE_MAX_S, shield=True):
                await run_sync(file.close, abandon_on_cancel=True)
            probe(Step.STORE_CLOSED)


@asynccontextmanager
async def _serving(store: SqliteStore) -> AsyncIterator[SqliteStore]:
    """Run the writer while the block runs, and let it finish.

    It is not waited for at its start: whoever is cancelled while he waits for what is shielded waits for ever.
    """
    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope(shield=True)
        nursery.start_soon(store.serve, scope)  # noqa: ASYNC113 - what comes before it runs waits for it
        try:
            yield store
        finally:
            store.close()
            scope.deadline = trio.current_time() + CLOSE_MAX_S
    store.raise_failure()
