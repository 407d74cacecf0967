"""The whole data path between clients and services that say anything.

Arguments are libFuzzer's. Its bytes are a script for `tests.support.script`; what must hold is in
`tests.support.judge`.
"""

import asyncio
import sys

import atheris

with atheris.instrument_imports(include=["authproxy.wire", "authproxy.policy"]):
    from tests.support.judge import verdict
    from tests.support.script import decode

LOOP = asyncio.new_event_loop()


class BrokenPromiseError(AssertionError):
    """Something did not hold."""


def play(script: bytes) -> None:
    acts = list(decode(script))
    problems = verdict(acts, LOOP)
    if problems:
        raise BrokenPromiseError("\n".join([*problems, *map(repr, acts)]))


def main() -> None:
    atheris.Setup(sys.argv, play)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
