"""Makes what is kept of an exchange: its facts, and its heads without their secrets."""

import time
from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv6Address

from authproxy.exchange import Exchange, Field, ResponseHead, SentHead
from authproxy.inspector.bodies.content import (
    BodyKeeper,
    BodyType,
    DescribedBody,
    WholeBody,
    nature_of,
)
from authproxy.inspector.bodies.event_streams import Events
from authproxy.inspector.recording.kept_heads import LONG, REMEMBERED, Head, Heads
from authproxy.inspector.recording.record import (
    EXTRA,
    OVERHEAD,
    Common,
    Extra,
    Kept,
    Record,
    Try,
    TunnelHeads,
    Unusual,
    Way,
    size_of,
    size_of_unusual,
)
from authproxy.inspector.recording.token_notes import TokenNotes
from authproxy.inspector.redaction.redactor import Redactor
from authproxy.policy.messages.trace_fields import Fields
from authproxy.times import Opening, Times
from authproxy.wire.observing import read_written

REPLAY = b"x-authproxy-replay"
"""The field by which a replayed request is known. It goes no further: in HTTP/1 `Connection` names
it, in HTTP/2 it is among the names that an observer sends."""
MOST_TRIES = 20
OWN_AT_MOST = 64 * 1024
"""Bytes of an answer of our own."""
Address = IPv4Address | IPv6Address


class RecordMaker:
    """Remembers what repeats. What it does for each request must cost little beside it."""

    def __init__(self, heads: Heads, with_content: Collection[str] = ()) -> None:
        self._heads = heads
        self._account = heads.account
        self._with_content = frozenset(with_content)
        self._tokens = TokenNotes()
        self._ways: dict[int, Way] = {}
        self._clients: dict[int, tuple[Address | None, str]] = {}
        self.run = ""
        """The first half of every exchange's id."""
        self.common: dict[int, Common] = {}
        """Of what is kept, by a hash of all that is in it."""
        self.replays: dict[bytes, str] = {}
        """Requests that we send ourselves: what REPLAY says, and which exchange it was before."""
        self.ids: dict[int, str] = {}
        """Of exchanges that others have told of, by number: their ids are not of this run."""
        self.extras: dict[Exchange, Extra] = {}
        """Of exchanges under way that have one."""
        self.trailers: dict[Exchange, Head] = {}
        self._tunnels: dict[Exchange, TunnelHeads] = {}
        """Of those that are open: nothing of their heads is here as it was said."""
        self._empty: Extra | None = None
        """Of exchanges that have no content where it would be kept."""
        if with_content:
            self._empty = Extra(keeps_content=True)
            self._empty.held = 0

    def keep(self, exchange: Exchange) -> Kept:
        """Of an exchange that has ended. Its Common is counted as used once more.

        What that is made of is known by a hash, made with a random key at each start: nothing else
        is remembered of the secrets in there. Most of it are the very same objects for as long as
        they repeat, and know their hashes.
        """
        if self.replays:
            self.look_for_replay(exchange)
        if exchange in self._tunnels:
            return self._keep_tunnel(exchange)
        head, sent, answer = exchange.head, exchange.sent, exchange.answer
        target, asked = head.target, head.headers
        origin = raw = token_line = version = None
        came: object = None
        written: object = None
        is_usual = True
        if sent:
            origin, _, sent_target, _, raw, token_line, _, _, opening, _ = sent[-1]
            is_usual = opening is None and sent_target == target and len(sent) == 1
        if answer is not None:
            head_came, written = answer
            if head_came is not None:
                fields, version = head_came.headers, head_came.version
                came = fields.block if isinstance(fields, Fields) else tuple(fields)
            if isinstance(written, ResponseHead):
                written = written.status, written.reason, written.version, *written.headers
        first = asked.block if isinstance(asked, Fields) else tuple(asked)
        about = first, target, head.method, head.version, origin, raw, token_line
        service = exchange.service
        key = hash((about, service, exchange.host, exchange.principal, came, version, written))
        odd = None
        if not is_usual or self.trailers or _is_unusual(exchange):
            odd = self._make_unusual(exchange)
            self.trailers.pop(exchange, None)
        common = self.common.get(key) or self._add_common(key, exchange)
        common.uses += 1
        self._account.used += OVERHEAD if odd is None else OVERHEAD + size_of_unusual(odd)
        has_content = self.extras or self._empty is not None or exchange.own_body
        extra = self._end(exchange) if has_content else None
        return _plain(key, exchange, self._client(exchange.client), odd, extra)

    def keep_heads(self, exchange: Exchange) -> None:
        """Of a tunnel that was opened, since its exchange will not have them any more."""
        opening = exchange.sent[-1].opening if exchange.sent else None
        made = TunnelHeads(self._make_common(exchange), self._tries(exchange), opening)
        self._tunnels[exchange] = made
        self._account.used += made.size

    def _keep_tunnel(self, exchange: Exchange) -> Kept:
        """One that was open. Nothing else has its Common."""
        odd, heads = self._make_unusual(exchange), self._tunnels.pop(exchange)
        self.trailers.pop(exchange, None)
        key = -exchange.number
        self.run = exchange.request_id.rpartition("-")[0]
        self.common[key] = heads.common
        heads.common.uses = 1
        self._account.used += heads.common.size - heads.size + OVERHEAD + size_of_unusual(odd)
        extra = self._end(exchange)
        return _plain(key, exchange, self._client(exchange.client), odd, extra)

    def _add_common(self, key: int, exchange: Exchange) -> Common:
        self.run = exchange.request_id.rpartition("-")[0]
        made = self.common[key] = self._make_common(exchange)
        self._account.used += made.size
        return made

    def _end(self, exchange: Exchange) -> Extra | None:
        """What is kept of its content, and of what only few have."""
        extra = self._end_content(exchange)
        return self._keep_own(exchange, extra) if exchange.own_body else extra

    def _end_content(self, exchange: Exchange) -> Extra | None:
        extra = self.extras.pop(exchange, self._empty)
        if extra is None or extra is self._empty:
            return extra if exchange.service in self._with_content else None
        if extra.keeps_content:
            self._account.used += extra.finish(is_kept=exchange.service in self._with_content)
        return extra

    def _keep_own(self, exchange: Exchange, extra: Extra | None) -> Extra:
        """What we have answered by ourselves is kept of every service."""
        if extra is None or extra is self._empty:
            extra = Extra(keeps_content=extra is not None)
            self._account.used += extra.held
        if extra.answer is None and exchange.answer is not None:
            nature = nature_of(read_written(exchange.answer[1]).headers)
            extra.answer = kept = _keeper_of_own(nature, self._heads.redactor)
            kept.feed(exchange.own_body)
            kept.finish()
            extra.held += kept.held
            self._account.used += kept.held
        return extra

    def drop(self, kept: Kept) -> None:
        """It is forgotten."""
        if self.ids:
            self.ids.pop(kept[0], None)
        common = self.common[kept[1]]
        common.uses -= 1
        if not common.uses:
            del self.common[kept[1]]
            self._account.used -= common.size
        self._account.used -= size_of(kept)

    def show(self, kept: Kept) -> Record:
        request_id = self.ids.get(kept[0]) or f"{self.run}-{kept[0]}"
        return Record(request_id, kept, self.common[kept[1]], is_live=False)

    def show_under_way(self, exchange: Exchange) -> Record:
        """As it is now; nothing of it is kept yet."""
        if self.replays:
            self.look_for_replay(exchange)
        extra = self.extras.get(exchange, self._empty)
        if extra is self._empty and exchange.service not in self._with_content:
            extra = None
        odd = self._make_unusual(exchange)
        kept = _plain(0, exchange, self._client(exchange.client), odd, extra)
        request_id = self.ids.get(exchange.number) or exchange.request_id
        heads = self._tunnels.get(exchange)
        common = self._make_common(exchange) if heads is None else heads.common
        return Record(request_id, kept, common, is_live=True)

    def extra_of(self, exchange: Exchange) -> Extra:
        """Where to put what only this one has."""
        found = self.extras.get(exchange)
        if found is None:
            found = self.extras[exchange] = Extra()
            self._account.used += EXTRA
        return found

    def look_for_replay(self, exchange: Exchange) -> None:
        """One that we have sent ourselves has a mark."""
        for name, value, _ in exchange.head.headers:
            if name == REPLAY and value in self.replays:
                self.extra_of(exchange).replayed_from = self.replays.pop(value)

    def note_trailers(self, exchange: Exchange, fields: Sequence[Field]) -> None:
        """Those of its answer."""
        self.trailers[exchange] = self._heads.came(fields)

    def forget(self, exchange: Exchange) -> Extra | None:
        """It will not be kept. What it had is returned."""
        if self.ids:
            self.ids.pop(exchange.number, None)
        self.trailers.pop(exchange, None)
        heads = self._tunnels.pop(exchange, None)
        if heads is not None:
            self._account.used -= heads.size
        return self.extras.pop(exchange, None)

    def _make_common(self, exchange: Exchange) -> Common:
        heads, head, answer = self._heads, exchange.head, exchange.answer
        way = self._way(exchange.sent[-1]) if exchange.sent else None
        made = Common(exchange, heads.target(head.target), heads.came(head.headers), way)
        if answer is not None:
            came, written = answer
            made.sent = heads.written(written)
            if came is not None:
                made.came, made.came_version = heads.came(came.headers), came.version
        return made

    def _make_unusual(self, exchange: Exchange) -> Unusual:
        heads = self._tunnels.get(exchange)
        if heads is not None:
            tries, opening = heads.tries, heads.opening
        else:
            tries = self._tries(exchange)
            opening = exchange.sent[-1].opening if exchange.sent else None
        return Unusual(
            exchange.started,
            exchange.key,
            exchange.code,
            exchange.detail,
            exchange.aborted,
            exchange.grpc_status,
            _times(exchange, opening),
            tries,
            self.trailers.get(exchange),
        )

    def _tries(self, exchange: Exchange) -> tuple[Try, ...]:
        target = self._heads.target
        return tuple(
            Try(self._way(sent), sent.method, target(sent.target), sent.opening, sent.at_s)
            for sent in exchange.sent[-MOST_TRIES:]
        )

    def _client(self, client: Address | None) -> str:
        """Each is kept beside its text, so that no other one can take its place in memory."""
        known = self._clients.get(id(client))
        if known is None:
            if len(self._clients) >= REMEMBERED:
                self._clients.clear()
            known = self._clients[id(client)] = client, "" if client is None else str(client)
        return known[1]

    def _way(self, sent: SentHead) -> Way:
        key = hash((sent.raw, sent.token_line, sent.origin))
        way = self._ways.get(key)
        if way is None:
            token = self._tokens.note(sent.token)
            head, name = self._heads.sent(sent), sent.token_name
            way = Way(head, sent.origin, sent.version, name, token, sent.secret_names)
            if len(self._ways) >= REMEMBERED:
                self._ways.clear()
            if len(head.text) <= LONG:
                self._ways[key] = way
        return way

    def __repr__(self) -> str:
        return f"<RecordMaker [{len(self.common)} different exchanges]>"


def _keeper_of_own(nature: BodyType, redactor: Redactor) -> BodyKeeper:
    """Ours are JSON, text, events for MCP clients, or a few bytes of gRPC."""
    if nature.form == "events":
        return Events(nature, redactor, OWN_AT_MOST, time.time)
    if nature.form in ("grpc", "none"):
        return DescribedBody(nature)
    return WholeBody(nature, redactor, OWN_AT_MOST)


def _is_unusual(exchange: Exchange) -> bool:
    return (
        exchange.code is not None
        or exchange.times is not None
        or exchange.aborted != ""
        or exchange.key != ""
        or exchange.grpc_status is not None
    )


def _plain(
    key: int, exchange: Exchange, client: str, odd: Unusual | None, extra: Extra | None
) -> Kept:
    return (
        exchange.number,
        key,
        exchange.started_at,
        exchange.status,
        exchange.bytes_from_client,
        exchange.bytes_to_client,
        exchange.attempts,
        exchange.first_byte_s,
        exchange.duration_s,
        exchange.sent_s,
        client,
        odd,
        extra,
    )


def _times(exchange: Exchange, opening: Opening | None) -> Times | None:
    """With the opening of the connection that it was sent by last, if that is new."""
    known = exchange.times
    if opening is None:
        return known
    times = Times()
    if known is not None:
        times.waits = known.waits
    times.opening = opening
    return times
