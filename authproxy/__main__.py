"""`python -m authproxy` and the console script."""

import sys


def main() -> None:
    from authproxy.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
