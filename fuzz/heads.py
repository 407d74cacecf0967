"""Our own parsers of heads and chunks beside llhttp: what they accept it must accept.

Arguments are libFuzzer's.
"""

import sys

import atheris

with atheris.instrument_imports(include=["authproxy.wire", "authproxy.policy"]):
    from tests.support.second_opinion import doubt_answer, doubt_chunks, doubt_request


class DoubtError(AssertionError):
    """The two do not agree."""


def compare(data: bytes) -> None:
    doubt = doubt_request(data) or doubt_answer(data) or doubt_chunks(data)
    if doubt:
        raise DoubtError(f"{doubt}: {data!r}")


def main() -> None:
    atheris.Setup(sys.argv, compare)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
