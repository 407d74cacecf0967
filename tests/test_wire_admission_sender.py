"""Whose address counts, and which protocol they speak."""

import asyncio
from ipaddress import ip_address
from typing import cast

import pytest

from authproxy.errors import Refused
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.access.networks import AccessList, AddressSet
from authproxy.policy.access.rate_limits import WrongKeyCounter
from authproxy.policy.messages.facts import RequestFacts, read_request
from authproxy.policy.routes import Routes
from authproxy.values import parse_network
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.admission.sender import Sender


class Connected:
    """The part of a transport that says who is connected."""

    def get_extra_info(self, name: str) -> object:
        return {"peername": ("10.0.0.1", 5), "sockname": ("10.0.0.2", 80)}.get(name)


def behind_a_proxy(client: str | None = None) -> Sender:
    rules = ListenerRules(
        routes=Routes({}),
        access=AccessList(allow=[parse_network("192.0.2.0/24"), parse_network("10.0.0.1")]),
        wrong_keys=WrongKeyCounter(),
        trusted=AddressSet([parse_network("10.0.0.0/8")]),
    )
    named = ip_address(client) if client is not None else None
    sender = Sender(cast(asyncio.Transport, Connected()), rules, named)
    sender.forget()
    return sender


def said(address: bytes, proto: bytes = b"https") -> RequestFacts:
    fields = (b"Host", b"a"), (b"X-Forwarded-For", address), (b"X-Forwarded-Proto", proto)
    return read_request(RequestHead(b"GET", b"/", "1.1", [make_field(*each) for each in fields]))


def test_a_trusted_proxy_names_another_for_each_request() -> None:
    sender = behind_a_proxy()
    found = [
        (sender.locate(facts), str(sender.address), sender.address_text)
        for facts in (said(b"192.0.2.7"), said(b"192.0.2.7"), said(b"192.0.2.8"))
    ]

    assert [
        (False, "192.0.2.7", b"192.0.2.7"),
        (True, "192.0.2.7", b"192.0.2.7"),
        (False, "192.0.2.8", b"192.0.2.8"),
    ] == found
    assert b"https" == sender.proto
    assert not sender.locate(said(b"192.0.2.8", b"http"))
    assert b"http" == sender.proto


def test_who_is_refused_is_neither_the_one_before_nor_the_one_after() -> None:
    sender = behind_a_proxy()
    sender.locate(said(b"192.0.2.7"))

    with pytest.raises(Refused):
        sender.locate(said(b"198.51.100.1"))
    assert "10.0.0.1" == str(sender.address)
    assert not sender.locate(said(b"192.0.2.7"))


def test_whom_the_proxy_protocol_names_is_believed_nothing() -> None:
    sender = behind_a_proxy(client="192.0.2.9")
    sender.locate(said(b"192.0.2.7"))

    assert ("192.0.2.9", b"http") == (str(sender.address), sender.proto)
    assert "10.0.0.2" == str(sender.local)
