"""Write what the fuzzers begin from into the folder named: a corpus for each, and `http.dict`."""

import hashlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from fuzz.targets import TARGETS
from tests.support.corpus import ANSWERS, REQUESTS
from tests.support.script import END_OF_READ, END_OF_RECORD, seeds

_WORD = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{2,30}|[\x00-\x1f\x7f]+|[^A-Za-z0-9@]{2,6}")


def words() -> list[bytes]:
    """What the corpus is made of, and the marks of a script."""
    found = {word for text in (*REQUESTS, *ANSWERS) for word in _WORD.findall(text)}
    senders = [END_OF_RECORD + bytes([letter]) for letter in b"012abcd!"]
    return [*sorted(found), *senders, END_OF_READ]


def entry(word: bytes) -> str:
    """A line of libFuzzer's dictionary."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n'


def write(corpus: Path, inputs: Iterable[bytes]) -> None:
    corpus.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def main() -> None:
    folder = Path(sys.argv[1])
    bodies = [text.partition(b"\r\n\r\n")[2] for text in (*REQUESTS, *ANSWERS)]
    write(folder / "any_bytes", seeds())
    write(folder / "heads", [*REQUESTS, *ANSWERS, *bodies])
    for number, (name, target) in enumerate(TARGETS.items()):
        write(folder / "parsers", (bytes([number]) + seed for seed in target.seeds))
        write(folder / f"parsers-{name}", target.seeds)
    (folder / "http.dict").write_text("".join(map(entry, words())))


if __name__ == "__main__":
    main()
