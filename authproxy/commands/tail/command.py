"""`authproxy tail`: finds the admin listener, shows what has been, and follows what comes."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO
from urllib.parse import urlencode

from authproxy.commands.admin_target import HOW_TO_SWITCH_ON, NoAdminError, find_admin
from authproxy.commands.status import (
    ADMIN_MARK,
    REFUSED,
    StatusTarget,
    nothing_answers,
    said,
    why_refused,
)
from authproxy.commands.status_request import Reply, ask
from authproxy.commands.tail.choosing import Chooser, Row
from authproxy.commands.tail.following import ListEvent, OutputGoneError, pause, read_events
from authproxy.commands.tail.lines import Coloured, Columns, JsonLines, RowWriter
from authproxy.observe.logs import printable
from authproxy.system import entry
from authproxy.values.wording import wants_colour

LIST_S = 10.0
RETRY_S = 0.5
MOST_LIMIT = 5000
"""What the admin listener gives at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TailWanted:
    """Options of `authproxy tail`."""

    filters: Mapping[str, str] = field(default_factory=dict)
    """As in the query of `/api/exchanges`."""
    last: int = 10
    json: bool = False


def run(
    address: str | None,
    environ: Mapping[str, str],
    wanted: TailWanted,
    out: TextIO,
    note: Callable[[str], object],
) -> int:
    """Until Ctrl-C (130) or until nobody reads `out` any more (0). `note` says what is no row."""
    try:
        with entry.raising():
            tail = Tail(address, environ, wanted, out, note)
            tail.begin()
            while True:
                tail.follow()
                pause(out.fileno(), RETRY_S)
    except NoAdminError as error:
        note(printable(str(error)))
        return error.code
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        note("what answers there is not an authproxy of this version")
        return 1
    except KeyboardInterrupt:
        return 130
    except (OutputGoneError, BrokenPipeError):
        _point_nowhere(out)
        return 0


def _point_nowhere(out: TextIO) -> None:
    """What is still in the buffer must not fail once more at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())
    os.close(nowhere)


class Tail:
    """One run of the command."""

    def __init__(
        self,
        address: str | None,
        environ: Mapping[str, str],
        wanted: TailWanted,
        out: TextIO,
        note: Callable[[str], object],
    ) -> None:
        self._address = address
        self._environ = environ
        self._wanted = wanted
        self._out = out
        self._note = note
        self._chooser = Chooser(wanted.last)
        self._writer = _writer(wanted, out, environ)
        self._is_paused = False
        self._is_lost = False
        self._target = find_admin(address, environ, "tail")

    def begin(self) -> None:
        """Show what has been. Raises NoAdminError where that cannot be had."""
        try:
            found = self._list(max(1, self._wanted.last))
        except OSError as error:
            raise NoAdminError(nothing_answers(self._target, error)) from None
        self._writer.begin()
        self._show(found)
        self._stream(found)

    def follow(self) -> None:
        """After the connection was lost: look for the listener anew, and go on from there."""
        if not self._is_lost:
            self._is_lost = True
            self._note(f"lost the connection to {self._target.listen}; waiting for authproxy")
        try:
            self._target = self._find_again()
            found = self._list(MOST_LIMIT)
        except OSError:
            return
        except NoAdminError as error:
            if error.lasts:
                raise
            return
        self._is_lost = False
        self._note(f"connected to {self._target.listen}")
        self._show(found)
        self._stream(found)

    def _find_again(self) -> StatusTarget:
        """After a restart it may be at another port; with several, it is at the one of before."""
        try:
            return find_admin(self._address, self._environ, "tail")
        except NoAdminError:
            return find_admin(str(self._target.listen), self._environ, "tail")

    def _list(self, limit: int) -> dict[str, Any]:
        """Raises OSError and NoAdminError."""
        query = urlencode({**self._wanted.filters, "limit": limit})
        key = self._target.key
        reply = ask(
            self._target.listen,
            f"/api/exchanges?{query}",
            key=key.reveal() if key else "",
            timeout_s=LIST_S,
        )
        if reply.status != 200 or not reply.has(ADMIN_MARK):
            raise _refusal(reply, self._target)
        found: dict[str, Any] = json.loads(reply.body)
        return found

    def _stream(self, found: dict[str, Any]) -> None:
        """Show what changes, until the connection ends."""
        query = {**self._wanted.filters, "since": f"{found['run']}-{found['position']}"}
        try:
            for event in read_events(
                self._target.listen,
                f"/api/exchanges/stream?{urlencode(query)}",
                key=self._target.key.reveal() if self._target.key else "",
                output=self._out.fileno(),
            ):
                self._hear(event)
        except OSError:
            return

    def _hear(self, event: ListEvent) -> None:
        if event.name in ("hello", "changes"):
            self._say_paused(event.data["paused"])
        if event.name == "changes":
            self._print(self._chooser.take(event.data["exchanges"]))
        elif event.name == "reset":
            self._show(self._list(MOST_LIMIT))

    def _show(self, found: dict[str, Any]) -> None:
        self._say_paused(found["paused"])
        self._print(self._chooser.take_list(found))

    def _say_paused(self, paused: bool) -> None:
        if paused != self._is_paused:
            self._note("recording is paused" if paused else "recording goes on")
        self._is_paused = paused

    def _print(self, rows: list[Row]) -> None:
        try:
            for row in rows:
                self._writer.write(row)
            self._out.flush()
        except BrokenPipeError:
            raise OutputGoneError from None


def _writer(wanted: TailWanted, out: TextIO, environ: Mapping[str, str]) -> RowWriter:
    """rich is imported only where a terminal's width or colours matter."""
    if wanted.json:
        return JsonLines(out)
    if out.isatty() or wants_colour(environ, at_terminal=False):
        return Coloured(out, environ)
    return Columns(out)


def _refusal(reply: Reply, target: StatusTarget) -> NoAdminError:
    """What it says in place of a list."""
    where = target.listen
    if not reply.has(ADMIN_MARK):
        return NoAdminError(
            f"something answers at {where}, but it is no admin listener of authproxy"
        )
    if reply.status == 404:
        return NoAdminError(
            f"the authproxy at {where} records nothing; {HOW_TO_SWITCH_ON}", lasts=True
        )
    if reply.status in REFUSED:
        return NoAdminError(why_refused(reply, target, "what passes"))
    text = said(reply) or f"the admin listener at {where} answers {reply.status or 'nothing'}"
    return NoAdminError(text, 2 if reply.status == 400 else 1)
