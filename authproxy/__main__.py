"""`python -m authproxy` and the console script."""

import os
import sys
from collections.abc import Sequence

from authproxy.system import entry, when_used

LOADED_WHEN_USED = ("ast", "platform", "tempfile")
"""More than a MiB, with what they import in turn. Nothing that serves has a use for them."""


def main() -> None:
    sys.exit(entry.run(_run, sys.argv[1:]))


def _run(argv: Sequence[str]) -> int:
    """A health check goes past the command line's library: it must start fast and often."""
    flags = {arg for arg in argv if arg.startswith("-")}
    addresses = [arg for arg in argv[1:] if arg not in flags]
    if argv[:1] == ["status"] and len(addresses) <= 1 and flags <= {"--json", "--ready"}:
        from authproxy.commands import status

        wanted = status.StatusWanted("--json" in flags, "--ready" in flags, sys.stdout.isatty())
        return status.run("".join(addresses) or None, os.environ, print, wanted=wanted)

    when_used.put_off(*LOADED_WHEN_USED)
    from authproxy.cli import read_apart

    if read_apart.is_run(argv):
        return read_apart.run(argv, os.environ)
    from authproxy.cli.main import run

    return run([*argv])


if __name__ == "__main__":
    main()
