"""What must hold whatever clients and services did; a verdict names each thing that does not."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import h11

from authproxy.errors import Code
from authproxy.exchange import Exchange
from authproxy.policy.messages.rpc import find_rpc
from tests.support.messages import (
    IN_ASCII,
    Answer,
    Request,
    find_rest,
    loose_line,
    read_answer,
    read_requests,
)
from tests.support.stage import MARKS, Act, Service, Stage, perform
from tests.support.wires import Wire

TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x28"
_SPACE_BEFORE_EXTENSION = re.compile(rb"[0-9A-Fa-f][ \t]+;")
"""In the line with a chunk's size. RFC 9112 7.1.1 has us take it; h11 does not."""


def verdict(acts: Sequence[Act], loop: asyncio.AbstractEventLoop) -> list[str]:
    """Play `acts` and judge; empty when all is well."""
    stage, complaints = perform(acts, loop)
    return [*complaints, *judge(stage)]


def judge(stage: Stage) -> Iterator[str]:
    yield from _ends(stage)
    yield from stage.heard.faults
    for service in stage.services:
        others = [other for other in stage.services if other is not service]
        for wire in service.wires:
            yield from _secrets(service, others, wire)
            yield from _requests(service, wire)
            yield from _loose_bytes(service, wire)
        yield from _counts(stage, service)
    for wire in stage.clients:
        yield from _foreign_bytes(stage, wire)
        yield from _answers(stage, wire)
        yield from _order(stage, wire)
    yield from _bodies(stage)
    yield from _sources(stage)


def _ends(stage: Stage) -> Iterator[str]:
    if stage.unended:
        yield f"never ended: {stage.unended}"
    if stage.left_open:
        yield f"not closed by any timeout: {stage.left_open}"
    if len(stage.ended) != len(set(map(id, stage.ended))):
        yield f"ended twice: {stage.ended}"
    if still := [wire for wire in stage.wires if not wire.is_lost]:
        yield f"open after the end: {still}"


def _secrets(service: Service, others: Sequence[Service], wire: Wire) -> Iterator[str]:
    for other in others:
        if other.secret in wire.sent or (other.key and other.key.encode() in wire.sent):
            yield f"{service.name} was sent a secret of {other.name}"


def http_part(wire: Wire) -> bytes:
    """What was sent before another protocol took over."""
    return bytes(wire.sent[: wire.switched_at])


def _requests(service: Service, wire: Wire) -> Iterator[str]:
    sent = http_part(wire)
    requests, valid = read_requests(sent)
    if not valid:
        yield f"{service.name} was sent what is not HTTP: {sent!r}"
    for before, _ in pairwise(requests):
        if not before.whole:
            yield f"{service.name} was sent a request within another: {sent!r}"
    for request in requests:
        yield from (f"{problem}: {request}" for problem in _request(service, request))
    if sum(mark in sent for mark in MARKS) > 1 and len(requests) < 2:
        yield f"bytes of two clients in one request: {sent!r}"
    for piece in sent.split(b"\r\n\r\n"):
        loose = loose_line(piece) if b" HTTP/1.1\r\n" in piece else None
        if loose is not None and len(requests) == 1 and not requests[0].body:
            yield f"a line that is none: {loose!r}"


def _loose_bytes(service: Service, wire: Wire) -> Iterator[str]:
    """The beginning of the next request, which another client might write the rest of."""
    if not wire.dropped and find_rest(http_part(wire)):
        yield f"{service.name} was sent bytes of no request: {http_part(wire)!r}"


def _request(service: Service, request: Request) -> Iterator[str]:
    if request.values(b"host") != [service.authority]:
        yield "not exactly the service's Host"
    if len(request.values(b"content-length")) + len(request.values(b"transfer-encoding")) > 1:
        yield "framed twice"
    if service.key and request.values_for_cgi(b"x-api-key") != [service.key.encode()]:
        yield "not exactly one key"
    for name in (b"x-forwarded-for", b"x-forwarded-proto"):
        if len(request.values_for_cgi(name)) != 1:
            yield f"not exactly one {name.decode()}"
    carriers = [name for name, value in request.fields if service.secret in value]
    if carriers != [_token_header(service, request)]:
        yield f"the token is in {carriers}"


def _token_header(service: Service, request: Request) -> bytes:
    if service.token_header != "auto":
        return service.token_header.encode()
    own = [value for value in request.values(b"authorization") if service.secret not in value]
    return b"X-Serverless-Authorization" if own else b"Authorization"


def _counts(stage: Stage, service: Service) -> Iterator[str]:
    """As many requests as the exchanges say, but for those given up before they had gone out."""
    ours = [each for each in stage.ended if each.service == service.name]
    believed = sum(each.attempts for each in ours if each.head.version != "2")
    found = sum(len(read_requests(http_part(wire))[0]) for wire in service.wires)
    given_up = sum(each.code is Code.BAD_REQUEST for each in ours)
    dropped = any(wire.dropped for wire in service.wires)
    if found > believed or (found < believed - given_up and not dropped):
        yield f"{service.name} got {found} requests, and the exchanges say {believed}"


def _foreign_bytes(stage: Stage, wire: Wire) -> Iterator[str]:
    own = wire.spell(b"@")
    if any(mark in wire.sent for mark in MARKS if mark != own):
        yield f"another client's bytes: {wire} {bytes(wire.sent)!r}"
    if any(service.secret in wire.sent for service in stage.services):
        yield f"a client got a token: {wire}"


def exchanges_of(stage: Stage, wire: Wire) -> list[Exchange]:
    return [each for each in stage.began if str(each.client) == wire.peer]


def _answers(stage: Stage, wire: Wire) -> Iterator[str]:
    """Every exchange's answer, in order, is what h11 finds."""
    if wire.is_http2:
        return
    rest = http_part(wire)
    for exchange in exchanges_of(stage, wire):
        if exchange.code is Code.TLS_UNEXPECTED:
            rest = rest.removeprefix(TLS_ALERT)
            break
        method = exchange.head.method
        ended, switching = not wire.was_reset, exchange.status == 101
        try:
            answers, rest = read_answer(rest, method, ended=ended, switching=switching)
        except h11.RemoteProtocolError as error:
            yield f"not an answer ({error}): {http_part(wire)!r}"
            return
        yield from _answer(exchange, answers, wire)
        if exchange.aborted or wire.dropped or switching:
            return
    if rest:
        yield f"more than the answers: {rest!r}"


def _answer(exchange: Exchange, answers: Sequence[Answer], wire: Wire) -> Iterator[str]:
    final = final_of(answers)
    excused = exchange.aborted or wire.was_reset or wire.dropped
    if final is None:
        if exchange.status and not wire.dropped:
            yield f"{exchange} has no answer"
    elif final.status != exchange.status and not _is_told_as_a_call(exchange):
        yield f"{exchange} was answered with {final.status}"
    elif not final.whole and not excused:
        yield f"{exchange} has half an answer"
    elif _is_passed_on(exchange, final) and len(final.body) != exchange.bytes_to_client:
        yield f"{exchange} counts {exchange.bytes_to_client} bytes, not {len(final.body)}"


def _is_told_as_a_call(exchange: Exchange) -> bool:
    """By us, with the status of its own protocol and not of HTTP."""
    return exchange.code is not None and find_rpc(exchange.head) is not None


def final_of(answers: Sequence[Answer]) -> Answer | None:
    return next((each for each in answers if each.status >= 200 or each.status == 101), None)


def _is_passed_on(exchange: Exchange, final: Answer) -> bool:
    """Is it the service's answer, and the whole of it?"""
    return exchange.code is None and final.whole and final.status != 101


def _order(stage: Stage, wire: Wire) -> Iterator[str]:
    """What went to a service is what h11 takes for the client's request, in the same order."""
    if wire.is_http2 or _SPACE_BEFORE_EXTENSION.search(wire.heard):
        return
    requests, valid = read_requests(bytes(wire.heard), blank_lines=True)
    for number, exchange in enumerate(exchanges_of(stage, wire)):
        if not exchange.attempts:
            continue
        if number >= len(requests):
            yield f"{exchange} passed, which h11 does not see ({valid=}): {bytes(wire.heard)!r}"
            return
        theirs, ours = requests[number], exchange.head
        if (theirs.method, theirs.target) != (ours.method, ours.target.translate(IN_ASCII)):
            yield f"{ours} passed, where h11 sees {theirs}: {bytes(wire.heard)!r}"
        if exchange.status == 101:
            return


def _bodies(stage: Stage) -> Iterator[str]:
    """A service never takes for whole what the client did not send whole, nor other bytes."""
    known = {
        (request.method, request.body)
        for wire in stage.clients
        for request in read_requests(bytes(wire.heard), blank_lines=True)[0]
        if request.whole
    }
    if any(_SPACE_BEFORE_EXTENSION.search(wire.heard) for wire in stage.clients):
        return
    for wire in stage.service_wires:
        for request in read_requests(http_part(wire))[0]:
            if request.whole and (request.method, request.body) not in known:
                yield f"no client sent this whole: {request}"


def _sources(stage: Stage) -> Iterator[str]:
    """An answer that a client takes for whole is one that a service gave whole."""
    given: set[tuple[int, bytes]] = set()
    for wire in stage.service_wires:
        try:
            given.update((each.status, each.body) for each in _given(wire))
        except h11.RemoteProtocolError:
            return  # how much of it is an answer only the proxy can say
    for wire in stage.clients:
        for exchange, final in _finals(stage, wire):
            if _is_passed_on(exchange, final) and (final.status, final.body) not in given:
                yield f"no service gave the answer of {exchange}: {final}"


def _given(wire: Wire) -> Iterator[Answer]:
    rest = bytes(wire.heard)
    for request in read_requests(http_part(wire))[0]:
        answers, rest = read_answer(rest, request.method, ended=wire.is_lost)
        yield from (answer for answer in answers if answer.whole)


def _finals(stage: Stage, wire: Wire) -> Iterator[tuple[Exchange, Answer]]:
    rest = b"" if wire.is_http2 else http_part(wire)
    for exchange in exchanges_of(stage, wire):
        try:
            answers, rest = read_answer(rest, exchange.head.method, ended=not wire.was_reset)
        except h11.RemoteProtocolError:
            return
        if final := final_of(answers):
            yield exchange, final
