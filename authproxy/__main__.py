"""`python -m authproxy` and the console script."""

import os
import sys
from collections.abc import Sequence

from authproxy.system import entry


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

    from authproxy.cli import read_apart

    if read_apart.is_run(argv):
        return read_apart.run(argv, os.environ)
    from authproxy.cli.main import run

    return run([*argv])


if __name__ == "__main__":
    main()
