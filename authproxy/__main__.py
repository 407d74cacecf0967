"""`python -m authproxy` and the console script."""

import os
import sys


def main() -> None:
    sys.exit(_run(sys.argv[1:]))


def _run(argv: list[str]) -> int:
    """A health check goes past the command line's library: it must start fast and often."""
    if argv[:1] == ["status"] and len(argv) <= 2 and not argv[-1].startswith("-"):
        from authproxy.commands import status

        return status.run("".join(argv[1:]), os.environ, print)

    from authproxy.cli.main import run

    return run(argv)


if __name__ == "__main__":
    main()
