"""First and last things of a program, so that no traceback comes of what its user may do at any
moment: Ctrl-C, a closed descriptor, a pipe that nobody reads any more.

The rule for Ctrl-C: it has the system's own action, which ends the process at once and which shells
know as 130, wherever nothing has to be tidied up. That is from the first line on, while Python
imports, and again after the last. Where something has to be, `raising` has Python's own action back
for as long; what serves has its own. The system gives process 1 no such action, so it gets one.
"""

import _signal  # type: ignore[import-not-found]  # -- the module signal takes milliseconds more
import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence

_ENDING = ("SIGINT", "SIGTERM")
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def run(command: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    """The exit code of `command`, as the program that this process is for."""
    leave_signals_to_the_system()
    _open_what_is_closed()
    sys.unraisablehook = _unraisable
    code = 1
    try:
        code = command(argv)
    except BrokenPipeError:
        pass  # nobody reads: there is nobody to tell
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        _say(error)
    finally:
        leave_signals_to_the_system()
        is_written = _write_out()
    return code if is_written else code or 1


def leave_signals_to_the_system() -> None:
    """From now on, but for what is ignored or has a handler that is not Python's own."""
    if os.getpid() == 1:
        for name in _ENDING:
            if _signal.getsignal(number := getattr(_signal, name)) in (
                _signal.SIG_DFL,
                _signal.default_int_handler,
            ):
                _signal.signal(number, _end)
    elif _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """In here Ctrl-C raises KeyboardInterrupt, so that a program that was started, or a terminal
    that does not show what is typed, is not left behind. In the main thread; elsewhere nothing."""
    before = _signal.getsignal(_signal.SIGINT)
    try:
        is_ours = before in (_signal.SIG_DFL, _end)
        if is_ours:
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    except ValueError:
        is_ours = False
    try:
        yield
    finally:
        if is_ours:
            _signal.signal(_signal.SIGINT, before)


def _unraisable(lost: "sys.UnraisableHookArgs", /) -> None:
    """A handler of a signal may raise where Python ignores exceptions, says so, and goes on."""
    if isinstance(lost.exc_value, SystemExit) and isinstance(lost.exc_value.code, int):
        os._exit(lost.exc_value.code)
    if isinstance(lost.exc_value, KeyboardInterrupt):
        os._exit(128 + _signal.SIGINT)
    sys.__unraisablehook__(lost)


def _end(number: int, _frame: object) -> None:
    os._exit(128 + number)


def _open_what_is_closed() -> None:
    """A file or a socket that is opened would be stdout or stderr else, and be written to."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            mode, errors = "w" if number else "r", "backslashreplace"
            file = open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115 -- for as long as the process lives
            setattr(sys, name, file)


def _write_out() -> bool:
    """Whether all that was said could be written. What could not must not fail once more."""
    is_written = True
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except ValueError:
            continue
        except OSError as error:
            is_written = False
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
            if error.errno in _CANNOT_WRITE:
                _say(error)
    return is_written


def _say(error: OSError) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"authproxy: cannot write what it has to say: {error.strerror}\n")
