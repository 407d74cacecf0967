"""Inputs near to those that are given, the same in each run: for tests, which have no libFuzzer."""

from collections.abc import Iterator, Sequence
from random import Random

_MARKS = (
    b"\0",
    b"\r\n",
    b"\n\n",
    b"\xff",
    b"\x80",
    b"%2e",
    b"9" * 30,
    b"-1",
    b'"',
    b"[",
    b"{",
    b";",
)


def near(seeds: Sequence[bytes], count: int, longest: int = 2000) -> Iterator[bytes]:
    """`count` inputs, each made of one seed or of two."""
    chance = Random(len(seeds))  # noqa: S311 -- no secret is made of it
    for _ in range(count):
        data = bytearray(chance.choice(seeds)[:longest])
        for _ in range(chance.randint(1, 4)):
            _change(data, chance, seeds)
        yield bytes(data[:longest])


def _change(data: bytearray, chance: Random, seeds: Sequence[bytes]) -> None:
    at = chance.randint(0, len(data))
    end = min(len(data), at + chance.choice((0, 1, 1, 2, 4, 16)))
    match chance.randrange(6):
        case 0:
            del data[at:end]
        case 1:
            data[at:end] = chance.randbytes(end - at)
        case 2:
            data[at:at] = chance.choice(_MARKS)
        case 3:
            other = chance.choice(seeds)
            begin = chance.randint(0, len(other))
            data[at:end] = other[begin : begin + chance.choice((1, 4, 16, 64))]
        case 4:
            data[at:at] = data[at:end] * chance.randint(1, 8)
        case _ if at < len(data):
            data[at] ^= 1 << chance.randrange(8)
