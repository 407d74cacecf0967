"""Acts as bytes, for fuzzers that know nothing but bytes: small changes make small differences.

Records are separated by FF. The first byte of a record says who sends the rest: `0` to `2` a
client, `a` to `d` a service on one of its connections; an FE in it parts two reads. In any other
record each byte is an act of its own.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from tests.support.corpus import ANSWERS, REQUESTS, get, post
from tests.support.stage import Act, Do

END_OF_RECORD = b"\xff"
END_OF_READ = b"\xfe"
SENDERS = {
    **{ord("0") + who: (Do.CLIENT_SENDS, who) for who in range(3)},
    **{ord("a") + who: (Do.SERVICE_SENDS, who) for who in range(4)},
}
_LETTERS = {sender: bytes([letter]) for letter, sender in SENDERS.items()}
_SILENT = tuple(do for do in Do if do not in (Do.CLIENT_SENDS, Do.SERVICE_SENDS))
_NO_SENDER = b"!"
MOST_ACTS = 200
OLD = get(line=b"GET /@ HTTP/1.0")
POST = post(b"Content-Length: 3", body=b"@@@")
HALF = post(b"Transfer-Encoding: chunked", body=b"3\r\n@@@\r\n")
REJECTED = next(answer for answer in ANSWERS if b"invalid_token" in answer)


def decode(script: bytes) -> Iterator[Act]:
    return islice(_decode(script), MOST_ACTS)


def _decode(script: bytes) -> Iterator[Act]:
    for record in script.split(END_OF_RECORD):
        sender = SENDERS.get(record[0]) if record else None
        if sender is None:
            yield from (_silent(byte) for byte in record[1:])
        else:
            do, who = sender
            yield from (Act(do, who, data) for data in record[1:].split(END_OF_READ))


def _silent(byte: int) -> Act:
    who, index = divmod(byte, len(_SILENT))
    return Act(_SILENT[index], who, b"." * 40)


def encode(acts: Iterable[Act]) -> bytes:
    """The script of `acts`; what they say must hold neither separator."""
    return END_OF_RECORD.join(_record(act) for act in acts)


def _record(act: Act) -> bytes:
    letter = _LETTERS.get((act.do, act.who))
    if letter is not None:
        return letter + act.data
    return _NO_SENDER + bytes([_SILENT.index(act.do) + act.who * len(_SILENT)])


def seeds() -> Iterator[bytes]:
    """Scripts to begin from: every request and every answer once, with something around it."""
    client, turn = Do.CLIENT_SENDS, Act(Do.TURN)
    usual = Act(Do.SERVICE_SENDS, 0, ANSWERS[0])
    for request in REQUESTS:
        yield encode([Act(client, 0, request), turn, usual, Act(client, 0, REQUESTS[0])])
    for answer in ANSWERS:
        service = Act(Do.SERVICE_SENDS, 0, answer)
        other = Act(client, 1, REQUESTS[0])
        yield encode([Act(client, 0, REQUESTS[0]), turn, service, other, turn, usual])
    for answer in ANSWERS:
        service = Act(Do.SERVICE_SENDS, 0, answer)
        yield encode([Act(client, who, REQUESTS[0]) for who in range(3)] + [turn, service, turn])
    for answer in ANSWERS:
        for request in (OLD, REQUESTS[0]):
            service = Act(Do.SERVICE_SENDS, 0, answer[:-4])
            yield encode([Act(client, 0, request), turn, service, turn, Act(Do.CLIENT_ENDS)])
    asked = [Act(client, 0, REQUESTS[0]), Act(client, 1, REQUESTS[1]), turn]
    for do in _SILENT:
        yield encode([*asked, Act(do), usual, Act(do, 1), turn, Act(client, 0, REQUESTS[1])])
    yield from map(encode, _sent_again())
    yield encode([Act(client, 0, HALF), turn, Act(Do.CLIENT_RESETS), turn])


def _sent_again() -> Iterator[list[Act]]:
    """Plays in which a request waits for something, or is sent once more."""
    turn, answer = Act(Do.TURN), Act(Do.SERVICE_SENDS, 0, ANSWERS[0])
    for request in (REQUESTS[0], POST):
        asks = Act(Do.CLIENT_SENDS, 0, request)
        refuses = Act(Do.SERVICE_SENDS, 0, REJECTED)
        yield [asks, turn, Act(Do.TOKEN_CHANGES), refuses, turn, answer, turn]
        yield [asks, turn, answer, asks, turn, Act(Do.SERVICE_ENDS), turn, answer, turn]
        yield [Act(Do.CONNECTS_HANG), asks, turn, Act(Do.CONNECTS_GO), turn, answer, turn]
        for comes in (Do.TOKEN_COMES, Do.TOKEN_FAILS):
            yield [Act(Do.TOKEN_GOES), asks, turn, Act(comes), turn, answer, turn]
