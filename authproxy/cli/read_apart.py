"""The command `run`, its configuration read by another process.

What reads it, click and pydantic above all, takes memory that a proxy has no use for afterwards.
So a copy of this process, made while that is small (fork(2)), does all that the command does, hands
the settings over in place of serving, and ends. Meanwhile this one imports what serves. A reload
has a new process do the same. Where there is no such process, it is all done in this one.
"""

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from authproxy.errors import AuthProxyError, ConfigError, Problem, StartError
from authproxy.identity.apart.forked import Forked
from authproxy.identity.apart.helper import command_for
from authproxy.identity.google import MODULE
from authproxy.system.parent import end_with

if TYPE_CHECKING:
    from authproxy.cli.context import OnReady, Read
    from authproxy.settings import Settings

OTHERS = (
    *("check", "completion", "config", "demo", "doctor", "exec", "export", "key", "list", "login"),
    *("mcp", "status", "tail", "token"),
)
"""All commands but `run`, which may be left out."""
SHORT = ("-h", "--help", "-V", "--version")
"""Flags with which nothing is served."""
BY_GOOGLE = ("adc", "auto", "file", "metadata")
"""Kinds of credentials."""
DEADLINE_S = 60.0
"""For a reload; after that a file is taken to hang."""
ODD = (EOFError, AttributeError, ImportError, LookupError, TypeError)
"""What a pickle raises that was not made by the same modules: an upgrade may have put others in
their place while we run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Settings, or why there are none; handed over as a pickle by a process of ours."""

    settings: "Settings | None" = None
    """None where there are problems."""
    file: Path | None = None
    opens: bool = False
    """The browser is to be opened."""
    warnings: Sequence[Problem] = ()
    problems: Sequence[Problem] = ()


def is_run(argv: Sequence[str]) -> bool:
    """Whether it means to serve, and another process can read for it."""
    word = argv[0] if argv else ""
    return hasattr(os, "fork") and word not in OTHERS and not {*argv} & {*SHORT}


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """The exit code."""
    # Whoever started us may ignore it, and the system would keep no exit code of any child.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    gc.disable()  # nothing of what modules make is garbage
    import ssl  # noqa: F401 -- as below

    from authproxy import exchange, settings  # noqa: F401 -- for all copies: it is done once

    helper = _forked()
    source, target = os.pipe()
    parent = os.getpid()
    try:
        child = os.fork()
    except OSError:  # no more processes: then in this one
        os.close(source)
        os.close(target)
        if helper is not None:
            helper.discard()
        gc.enable()
        from authproxy.cli.main import run as run_here

        return run_here([*argv])
    if child == 0:
        os.close(source)
        _read_and_end(argv, environ, target, parent, helper)
    os.close(target)
    try:
        helper = _started(helper)
        from authproxy.runtime import app  # noqa: F401 -- while the other process reads

        gc.enable()
        with open(source, "rb") as file:  # noqa: PTH123 -- it is a pipe
            written = file.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code or not written:  # what one has written that did not end well may be half of it
            return _exit_code(code)
        return _serve(_loads(written), argv, environ, helper)
    except KeyboardInterrupt:
        return 130


def _forked() -> Forked | None:
    """None where there can be none."""
    try:
        return Forked(MODULE)
    except OSError:
        return None


def _started(helper: Forked | None) -> Forked | None:
    import asyncio  # noqa: F401 -- google-auth does so too

    if helper is None:
        return None
    try:
        helper.start()
    except OSError:
        helper.discard()
        return None
    return helper


def _of_google(settings: "Settings") -> list[str]:
    """Kinds of credentials with which Google will be asked."""
    return sorted({each.credentials.kind for each in settings.services.values()} & {*BY_GOOGLE})


def read_anew(
    argv: Sequence[str], environ: Mapping[str, str], command: Sequence[str] | None = None
) -> "tuple[Settings, Sequence[Problem]]":
    """What `argv` means now, with what is worth saying of it. Raises ConfigError.

    `command`: what runs the other process.
    """
    found = _ask(argv, environ, command) or read_here(argv, environ)
    if found.settings is None:
        raise ConfigError(found.problems)
    return found.settings, found.warnings


def read_here(argv: Sequence[str], environ: Mapping[str, str]) -> Handover:
    """The same in this process."""
    import click

    from authproxy.cli.context import Context
    from authproxy.cli.main import main as commands

    found = [Handover()]

    def keep(
        settings: "Settings", on_ready: "OnReady | None" = None, read: "Read | None" = None
    ) -> int:
        found.append(_found(settings, on_ready, read, context.warnings))
        return 0

    context = Context(environ, keep, is_quiet=True)
    try:
        with context.at_end:
            commands.main([*argv], "authproxy", standalone_mode=False, obj=context)
    except ConfigError as error:
        return Handover(problems=error.problems)
    except (AuthProxyError, click.ClickException) as error:
        message = error.message if isinstance(error, click.ClickException) else str(error)
        return Handover(problems=[Problem(where="authproxy", key="reload", message=message)])
    return found[-1]


def main(parent: int) -> None:
    """Read for the process `parent`, which has the arguments in our stdin."""
    end_with(parent)
    target = os.dup(1)
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123 -- it is no file
        os.dup2(nothing.fileno(), 1)  # what is printed meanwhile is not for our parent
    import pickle

    found = read_here(json.load(sys.stdin), os.environ)
    with open(target, "wb") as file:  # noqa: PTH123 -- it is a pipe
        file.write(pickle.dumps(found))


def _found(
    settings: "Settings",
    on_ready: "OnReady | None",
    read: "Read | None",
    warnings: Sequence[Problem],
) -> Handover:
    file = None if read is None else read[1]
    return Handover(settings=settings, file=file, opens=on_ready is not None, warnings=(*warnings,))


def _read_and_end(
    argv: Sequence[str],
    environ: Mapping[str, str],
    target: int,
    parent: int,
    helper: Forked | None,
) -> NoReturn:
    """In the copy of the process `parent`."""
    code = 1
    try:
        end_with(parent)
        gc.disable()  # it all ends soon
        import pickle

        from authproxy.cli.main import run as run_here

        def hand_over(
            settings: "Settings", on_ready: "OnReady | None" = None, read: "Read | None" = None
        ) -> int:
            if helper is not None and (kinds := _of_google(settings)):
                helper.prepare(kinds)
            with open(target, "wb") as file:
                file.write(pickle.dumps(_found(settings, on_ready, read, ())))
            return 0

        code = run_here([*argv], environ=environ, serve=hand_over)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 -- as Python does for whatever ends a process
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)  # what is to be done at the end is our parent's


def _serve(
    found: Handover, argv: Sequence[str], environ: Mapping[str, str], helper: Forked | None
) -> int:
    from authproxy.runtime.reload import ConfigOrigin

    assert found.settings is not None  # noqa: S101 -- for the type checker: it is handed over
    if helper is not None and not _of_google(found.settings):
        helper.discard()
        helper = None
    origin = ConfigOrigin(read=partial(read_anew, argv, environ), file=found.file)
    try:
        from authproxy.workers.one_or_several import serve

        return serve(found.settings, _opener(found, environ), origin, helper)
    except (StartError, AuthProxyError) as error:
        for text in filter(None, (str(error), error.hint)):
            print(f"authproxy: {text}", file=sys.stderr, flush=True)  # noqa: T201 -- as click.echo
        return 1


def _opener(found: Handover, environ: Mapping[str, str]) -> "OnReady | None":
    if not found.opens or found.settings is None:
        return None
    from authproxy.cli.page import opener

    return opener(found.settings, environ)


def _ask(
    argv: Sequence[str], environ: Mapping[str, str], command: Sequence[str] | None
) -> Handover | None:
    """What another process has read; None where there is none."""
    try:
        ended = subprocess.run(  # noqa: S603 -- our own module, by our own interpreter
            command or command_for(__name__),
            input=json.dumps([*argv]).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            timeout=DEADLINE_S,
        )
        found = _loads(ended.stdout)
    except subprocess.TimeoutExpired:
        message = f"it could not be read within {DEADLINE_S:g} s; does a network drive hang?"
        return Handover(problems=[Problem(where="authproxy", key="reload", message=message)])
    except (OSError, ValueError):
        return None
    return found


def _loads(written: bytes) -> Handover:
    """Raises ValueError for what is none."""
    try:
        # What the module pickle adds to it, in Python, takes half a MiB.
        from _pickle import UnpicklingError, loads
    except ImportError:  # another Python than CPython
        from pickle import UnpicklingError, loads
    try:
        found: Handover = loads(written)  # noqa: S301 -- from our child
    except (UnpicklingError, *ODD) as error:
        raise ValueError("no pickle") from error
    return found


def _exit_code(code: int) -> int:
    """Of the process that read, when it had nothing to hand over."""
    if code >= 0:
        return code
    if code == -signal.SIGINT:
        return 130  # Ctrl-C is for both
    text = f"the process that read the configuration was ended by signal {-code}"
    print(f"authproxy: {text}", file=sys.stderr, flush=True)  # noqa: T201 -- as click.echo
    return 128 - code
