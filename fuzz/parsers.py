"""All targets of `fuzz.targets`: the first byte of an input says which of them plays the rest.

Arguments are libFuzzer's. With a name in the variable PARSER only that one plays, all of the input.
"""

import os
import sys

import atheris

with atheris.instrument_imports(include=["authproxy"]):
    from fuzz.targets import TARGETS

ONLY = os.environ.get("PARSER", "")
PLAYS = [target.play for target in TARGETS.values()]


def play(data: bytes) -> None:
    if ONLY:
        TARGETS[ONLY].play(data)
    elif data:
        PLAYS[data[0] % len(PLAYS)](data[1:])


def main() -> None:
    if ONLY and ONLY not in TARGETS:
        sys.exit(f"fuzz.parsers: there is no {ONLY}; there are: {', '.join(TARGETS)}")
    atheris.Setup(sys.argv, play)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
