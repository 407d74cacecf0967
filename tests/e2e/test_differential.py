"""A client cannot tell the proxy from the service, nor the service the proxy from the client.

Each request is sent directly and through the proxy. What differs is what docs/how-it-works.md
names, written down once more in tests/support/differing.py, and nothing else.
"""

import asyncio
import string
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.differing import (
    HOP_BY_HOP,
    ONLY_OURS,
    Outcome,
    answer_as_documented,
    put_on,
    request_as_documented,
    sorted_from,
    split_message,
    twice,
    without_framing,
)
from tests.support.proxying import proxying
from tests.support.raw import OK, Call, raw_service

HOST = b"Host: localhost\r\n"


def ask(line: bytes, *fields: bytes, body: bytes = b"", host: bytes = HOST) -> bytes:
    return line + b"\r\n" + host + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


def get(*fields: bytes, target: bytes = b"/", method: bytes = b"GET") -> bytes:
    return ask(b"%b %b HTTP/1.1" % (method, target), *fields)


def post(*fields: bytes, body: bytes) -> bytes:
    return ask(b"POST / HTTP/1.1", b"Content-Length: %d" % len(body), *fields, body=body)


def chunked(*fields: bytes, body: bytes) -> bytes:
    return ask(b"PUT / HTTP/1.1", b"Transfer-Encoding: chunked", *fields, body=body)


METHODS = (
    b"GET HEAD POST PUT PATCH DELETE OPTIONS PROPFIND REPORT SEARCH MKCOL PURGE FOO get"
    b" M-SEARCH X!#$%&'*+-.^_`|~9"
).split()
TARGETS = (
    *b"/ // /../ /./a/../b /%2F%2f /a;b=c;d /? /?? /a?b=c&d=%20&&= /a?/../ /a//b/ /%00".split(),
    *b"/~a!$&'()*+, /:@ /%zz /[]{}|\\^`<>\" /?http://other.example/".split(),
    b"/" + b"x" * 8000,
)

REQUESTS = {
    **{f"method {method.decode()}": get(method=method) for method in METHODS},
    **{f"target {target.decode()[:20]}": get(target=target) for target in TARGETS},
    "OPTIONS *": get(target=b"*", method=b"OPTIONS"),
    "OPTIONS with Max-Forwards": get(b"Max-Forwards: 5", method=b"OPTIONS"),
    "GET with Max-Forwards": get(b"Max-Forwards: 0"),
    "Latin-1": get(b"X-Name: J\xfcrgen \xe4\xf6\xfc\xdf", b"Cookie: a=\xff"),
    "UTF-8": get("X-Name: Jürgen ✓".encode()),
    "case and order": get(b"x-lower: 1", b"X-UPPER: 2", b"X-MiXeD: 3", b"a: 4", b"Z: 5", b"B: 6"),
    "duplicates": get(b"X-Two: a", b"Other: x", b"x-two: b", b"X-Two: a"),
    "cookies": get(b"Cookie: a=1", b"Cookie: b=2; c=3"),
    "empty values": get(b"X-Empty:", b"X-Space: ", b"X-Spaces:    "),
    "odd spaces": get(b"X-None:a", b"X-Tab:\ta", b"X-Many:   a  b \t c", b"X-After: a  \t "),
    "odd characters": get(b'X-Odd: "(),/:;<=>?@[]{}\\', b"!#$%&'*+-.^_`|~0: x"),
    "conditions": get(b'If-None-Match: "x", W/"y"', b"Range: bytes=0-1,5-", b"If-Range: z"),
    "accept": get(b"Accept: */*;q=0.1", b"Accept-Encoding: gzip, br, zstd;q=0", b"User-Agent:"),
    "own authorization": get(b"Authorization: Basic YTpi"),
    "via and x-real-ip": get(b"Via: 1.0 fred", b"X-Real-IP: 10.0.0.1"),
    "forwarded fields": get(b"X-Forwarded-For: 10.0.0.1", b"Forwarded: for=x", b"X-Forwarded: y"),
    "nominated": get(b"Connection: X-Gone, keep-alive", b"X-Gone: 1", b"X-Here: 2"),
    "hop-by-hop": get(b"Keep-Alive: 5", b"Proxy-Connection: x", b"Proxy-Authorization: y"),
    "trailers wanted": get(b"TE: trailers", b"Connection: TE"),
    "upgrade that is not taken": get(b"Connection: Upgrade", b"Upgrade: websocket"),
    "close": get(b"Connection: close"),
    "HTTP/1.0": ask(b"GET / HTTP/1.0"),
    "HTTP/1.0 kept alive": ask(b"GET / HTTP/1.0", b"Connection: keep-alive"),
    "HTTP/1.0 with a body": ask(b"POST / HTTP/1.0", b"Content-Length: 3", body=b"abc"),
    "length": post(body=b"abc"),
    "length 0": post(body=b""),
    "length with zeros": ask(b"POST / HTTP/1.1", b"Content-Length: 003", body=b"abc"),
    "every byte": post(body=bytes(range(256)) * 300),
    "GET with a body": ask(b"GET / HTTP/1.1", b"Content-Length: 2", body=b"hi"),
    "DELETE with a body": ask(b"DELETE / HTTP/1.1", b"Content-Length: 2", body=b"hi"),
    "POST without a length": ask(b"POST / HTTP/1.1"),
    "content": post(
        b"Content-Type: text/x; charset=utf-8", b"Content-Encoding: gzip", body=b"\x1f"
    ),
    "chunks": chunked(body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
    "no chunks": chunked(body=b"0\r\n\r\n"),
    "chunk extensions": chunked(
        body=b'3;a;b=c;d="e"\r\nabc\r\n00A ;x\r\n0123456789\r\n0;y\r\n\r\n'
    ),
    "trailers": chunked(b"Trailer: X-Sum", body=b"1\r\na\r\n0\r\nX-Sum: 1\r\nX-Two:  2\r\n\r\n"),
    "chunked in capitals": ask(
        b"PUT / HTTP/1.1", b"TRANSFER-ENCODING: CHUNKED", body=b"1\r\na\r\n0\r\n\r\n"
    ),
}


def check(direct: Outcome, through: Outcome, authority: bytes, *, tls: bool = False) -> None:
    """The service and the client got the same, but for what is documented."""
    scheme = b"https" if tls else b"http"
    expected = [request_as_documented(message, authority, scheme) for message in direct.seen]
    found = [
        sorted_from(got, len(wanted.lines) - len(put_on(message, authority, scheme)))
        for got, wanted, message in zip(through.seen, expected, direct.seen, strict=True)
    ]
    assert expected == found
    wanted = [answer_as_documented(answer) for answer in direct.answers]
    assert wanted == [without_framing(answer) for answer in through.answers]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_service_sees_the_same_request(request_: bytes, tls: bool) -> None:
    direct, through, authority = await twice(request_, lambda _: OK, tls=tls)

    assert 1 == len(direct.seen)
    check(direct, through, authority, tls=tls)


CHUNKS = b"Transfer-Encoding: chunked\r\n"
ANSWERS = {
    "length": OK,
    "no length": b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    "chunks": b"HTTP/1.1 200 OK\r\n%b\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" % CHUNKS,
    "trailers": b"HTTP/1.1 200 OK\r\n%b\r\n1\r\na\r\n0\r\nX-Sum:  1\r\nx-two: 2\r\n\r\n" % CHUNKS,
    "empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "nothing but a status": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    "no reason": b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
    "Latin-1 reason": b"HTTP/1.1 404 Pas trouv\xe9, d\xe9sol\xe9\r\nContent-Length: 0\r\n\r\n",
    "odd status": b"HTTP/1.1 299 Odd  spaces \t \r\nContent-Length: 1\r\n\r\nx",
    "status 599": b"HTTP/1.1 599 X\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "HTTP/1.0 to the end": b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nto the end",
    "204": b"HTTP/1.1 204 No Content\r\nETag: x\r\n\r\n",
    "304": b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 77\r\n\r\n',
    "205": b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n",
    "103 first": b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=x\r\n\r\n" + OK,
    "102 and 103": b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: a\r\nLink: b\r\n\r\n" + OK,
    "unasked 100": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "cookies": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/; Secure\r\nset-cookie: b=\xe4\r\n"
    b"Set-Cookie: a=1\r\nContent-Length: 0\r\n\r\n",
    "case and order": b"HTTP/1.1 200 OK\r\nz: 1\r\nA: 2\r\nX-mIxEd: 3\r\na: 4\r\n"
    b"content-length: 0\r\nM: 5\r\n\r\n",
    "odd spaces": b"HTTP/1.1 200 OK\r\nX:a\r\nY:\t b  c \t\r\nE:\r\nContent-Length:0\r\n\r\n",
    "encoded": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nVary: *\r\n"
    b"Content-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
    "dates": b"HTTP/1.1 200 OK\r\nDate: not a date\r\nServer: \r\nContent-Length: 0\r\n\r\n",
    "redirect elsewhere": b"HTTP/1.1 302 Found\r\nLocation: https://other.example/?a#b\r\n"
    b"Content-Length: 0\r\n\r\n",
    "redirect here": b"HTTP/1.1 302 Found\r\nLocation: /a/../b\r\nContent-Length: 0\r\n\r\n",
    "events": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 1\ndata: x\n\n",
    "challenge": b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\n"
    b"WWW-Authenticate: Digest a\r\nContent-Length: 0\r\n\r\n",
    "hop-by-hop": b"HTTP/1.1 200 OK\r\nConnection: X-Gone\r\nX-Gone: 1\r\nKeep-Alive: 5\r\n"
    b"Proxy-Authenticate: x\r\nUpgrade: h2\r\nAlt-Svc: h3\r\nContent-Length: 0\r\n\r\n",
    "upgrade needed": b"HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nContent-Length: 0\r\n\r\n",
    "every byte": b"HTTP/1.1 200 OK\r\nContent-Length: 76800\r\n\r\n" + bytes(range(256)) * 300,
}
ASKED = {
    "GET": get(),
    "HEAD": get(method=b"HEAD"),
    "HTTP/1.0": ask(b"GET / HTTP/1.0"),
    "PURGE": get(method=b"PURGE"),
}


@pytest.mark.parametrize("request_", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_client_gets_the_same_answer(request_: bytes, answer: bytes) -> None:
    def reply(_: object) -> bytes:
        """To HEAD without the body that the service would have sent."""
        if not request_.startswith(b"HEAD"):
            return answer
        final = answer.rindex(b"HTTP/1.")
        return answer[: answer.index(b"\r\n\r\n", final) + 4]

    direct, through, authority = await twice(request_, reply)
    if request_.startswith(
        b"GET / HTTP/1.0"
    ):  # whose client knows neither interim answers nor trailers
        finals = [replace(each, trailers=()) for each in direct.answers if each.status >= 200]
        direct = Outcome(direct.seen, finals)

    check(direct, through, authority)


async def test_requests_sent_ahead_are_answered_in_order() -> None:
    requests = [post(body=b"%d" % n) if n % 3 else get(target=b"/%d" % n) for n in range(30)]
    direct, through, authority = await twice(
        b"".join(requests),
        lambda seen: b"HTTP/1.1 200 %b\r\nContent-Length: 0\r\n\r\n" % (seen.body or b"-"),
        count=30,
    )

    check(direct, through, authority)
    assert 30 == len(through.answers)


async def test_service_decides_whether_the_body_may_come() -> None:
    """The client sends no body before a 100; whether one comes only the service knows."""
    heads = []

    async def talk(call: Call) -> None:
        heads.append(await call.read_head())
        await call.say(b"HTTP/1.1 100 Continue\r\nX-Hint: a\r\n\r\n")
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + await call.reader.read(3))

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        for port in (service.port, proxy.port):
            reader, writer = await asyncio.open_connection("localhost", port)
            writer.write(post(b"Expect: 100-Continue", body=b"abc")[:-3])
            interim = await reader.readuntil(b"\r\n\r\n")
            assert b"HTTP/1.1 100 Continue\r\nX-Hint: a\r\n\r\n" == interim
            writer.write(b"abc")
            assert (await reader.readuntil(b"abc")).startswith(b"HTTP/1.1 200 OK\r\n")
            writer.close()

    assert b"\r\nExpect: 100-Continue\r\n" in heads[0]
    assert b"\r\nExpect: 100-Continue\r\n" in heads[1]


@pytest.mark.parametrize("ends", [False, True], ids=["connection kept", "connection closed"])
async def test_answer_may_come_before_the_body_has(ends: bool) -> None:
    answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"
    if ends:
        answer = answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(answer)
        await call.reader.read(100)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        for port in (service.port, proxy.port):
            reader, writer = await asyncio.open_connection("localhost", port)
            writer.write(post(body=b"x" * 100)[:-50])
            got = await reader.readuntil(b"\r\n\r\nno")
            message = split_message(got)
            assert message is not None
            assert (b"HTTP/1.1 413 Too Large", b"no") == (message.start, message.body)
            writer.write(b"x" * 50)
            writer.close()


TOKEN_CHARS = "!#$%&'*+-.^_`|~" + string.ascii_letters + string.digits
SPECIAL = (
    HOP_BY_HOP
    | ONLY_OURS
    | set(b"authorization host content-length expect trailer location alt-svc origin".split())
)
TEXT = bytes([*range(0x21, 0x7F), *range(0x80, 0x100)])


def is_ordinary(name: bytes) -> bool:
    return name.lower().replace(b"_", b"-") not in SPECIAL


def some(chars: bytes, *, least: int = 0, most: int) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(list(chars)), min_size=least, max_size=most).map(bytes)


TOKENS = some(TOKEN_CHARS.encode(), least=1, most=12)
SPACES = some(b" \t", most=3)
VALUES = st.lists(some(TEXT, least=1, most=8), max_size=3).map(b" ".join)
FIELDS = st.lists(
    st.builds(
        lambda name, before, value, after: name + b":" + before + value + after,
        TOKENS.filter(is_ordinary),
        SPACES,
        VALUES,
        SPACES,
    ),
    max_size=8,
)
BODIES = st.lists(st.binary(min_size=1, max_size=50), max_size=4)


def framed(start: bytes, fields: list[bytes], body: list[bytes], in_chunks: bool) -> bytes:
    whole = b"".join(body)
    if in_chunks:
        fields = [*fields, b"Transfer-Encoding: chunked"]
        whole = b"".join(b"%x\r\n%b\r\n" % (len(b), b) for b in body) + b"0\r\n\r\n"
    else:
        fields = [b"Content-Length: %d" % len(whole), *fields]
    return b"\r\n".join([start, *fields, b"", whole])


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    method=TOKENS.filter(lambda method: method not in (b"HEAD", b"CONNECT", b"TRACE")),
    target=some(bytes(set(range(0x21, 0x7F)) - {ord("#")}), most=40),  # RFC 9112 3.2: no fragment
    fields=st.tuples(FIELDS, FIELDS),
    bodies=st.tuples(BODIES, BODIES),
    in_chunks=st.tuples(st.booleans(), st.booleans()),
    status=st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    reason=VALUES,
)
async def test_anything_well_formed_passes(
    method: bytes,
    target: bytes,
    fields: tuple[list[bytes], list[bytes]],
    bodies: tuple[list[bytes], list[bytes]],
    in_chunks: tuple[bool, bool],
    status: int,
    reason: bytes,
) -> None:
    start = b"%b /%b HTTP/1.1" % (method, target)
    request = framed(start, [b"Host: localhost", *fields[0]], bodies[0], in_chunks[0])
    answer = framed(b"HTTP/1.1 %d %b" % (status, reason), fields[1], bodies[1], in_chunks[1])

    direct, through, authority = await twice(request, lambda _: answer)

    check(direct, through, authority)
    assert b"".join(bodies[0]) == through.seen[0].body
    assert b"".join(bodies[1]) == through.answers[0].body
