"""`python -m authproxy.demo SECONDS`: the pretend world as a process of its own.

It prints one line of JSON when everything listens (`url`, `ca_file`, `environment`), or what is
wrong (`problem`, `hint`), and ends when its standard input does: so it never outlives the program
that started it, however that one ends.
"""

import asyncio
import contextlib
import json
import os
import sys
import threading

from authproxy.demo.world import World
from authproxy.system import entry
from authproxy.system.signals import on_signal

NO_DIRECTORY = {
    "problem": "authproxy demo needs a directory for its certificates, and none can be written",
    "hint": "Set TMPDIR to a directory that this user may write to.",
}


def _set_at_end_of_stdin(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    """In a thread: not every loop can wait for a pipe."""

    def read() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read, name="stdin", daemon=True).start()


async def serve(token_life_s: int) -> int:
    """Run the world until standard input ends or SIGTERM comes; the exit code."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    on_signal(loop, "SIGTERM", stop.set)
    _set_at_end_of_stdin(stop, loop)
    try:
        async with World(token_life_s=token_life_s) as world:
            _report(url=world.url, ca_file=str(world.ca_file), environment=world.environment)
            await stop.wait()
    except FileNotFoundError:
        # What `tempfile` raises after it has tried every place it knows.
        _report(**NO_DIRECTORY)
        return 1
    except BrokenPipeError:
        return 1  # who has started it is gone
    except OSError as error:
        _report(problem=f"the pretend services cannot start: {error.strerror}", hint="")
        return 1
    return 0


def _report(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(entry.run(lambda argv: asyncio.run(serve(int(argv[0]))), sys.argv[1:]))
