"""Changes of the list as server-sent events: ten times a second at most, for as many readers as
there are.

Nothing is queued for a reader. Each asks the store for what has changed since it looked last; one
that is slow finds more at once, or that it has to read the list anew.
"""

import asyncio
import json
from collections.abc import AsyncIterator

from authproxy.inspector.recording.record import Record
from authproxy.inspector.recording.store import Store
from authproxy.inspector.views.filters import Filter
from authproxy.inspector.views.rows import row

PAUSE_S = 0.1
QUIET_TURNS = 100
"""After so many pauses without news a comment is sent, so that nobody takes it for dead."""
MOST_ROWS = 1000
"""In one event; with more changes than that the list is read anew."""
MOST_BYTES = 1024 * 1024
"""The same for targets, which may be long: an event waits for a reader that is slow."""


def position_of(last_event_id: str, run: str) -> int | None:
    """Where a reader is that has seen this event of this run; None for any other."""
    name, _, position = last_event_id.partition("-")
    return int(position) if name == run and position.isdecimal() and len(position) < 16 else None


async def events(
    store: Store, run: str, wanted: Filter, position: int | None, pause_s: float = PAUSE_S
) -> AsyncIterator[bytes]:
    """Ends when the reader goes. Without a `position` it begins with what changes from now on."""
    at = store.changes if position is None else position
    paused, quiet = store.is_paused, 0
    told: dict[int, object] = {}
    if position is None:
        store.under_way(told)
    yield event("hello", {"run": run, "position": at, "paused": paused}, run, at)
    while True:
        under_way = store.under_way(told)
        if under_way or store.changes != at or store.is_paused != paused:
            ended, quiet = store.since(at), 0
            at, paused = store.changes, store.is_paused
            changed = None if ended is None else [*ended, *under_way]
            yield _news(store, run, wanted, changed, at)
        elif (quiet := quiet + 1) >= QUIET_TURNS:
            quiet = 0
            yield b": nothing new\n\n"
        await asyncio.sleep(pause_s)


def _news(store: Store, run: str, wanted: Filter, changed: list[Record] | None, at: int) -> bytes:
    state: dict[str, object] = {"paused": store.is_paused, "kept": len(store)}
    if changed is None or len(changed) > MOST_ROWS:
        return event("reset", state, run, at)
    rows = [each for each in map(row, changed) if wanted.fits(each)]
    if sum(len(str(each["target"])) for each in rows) > MOST_BYTES:
        return event("reset", state, run, at)
    return event("changes", {**state, "exchanges": rows}, run, at)


def event(name: str, data: object, run: str, position: int) -> bytes:
    """One event, whose id says where to go on."""
    text = json.dumps(data, ensure_ascii=True)
    return f"event: {name}\nid: {run}-{position}\ndata: {text}\n\n".encode()
