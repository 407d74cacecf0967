"""The key that a client shows."""

from ipaddress import ip_address

import pytest

from authproxy.errors import Code, Refused
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.access.inbound_keys import InboundKey, KeyRing, digest_of
from authproxy.policy.access.networks import AccessList
from authproxy.policy.access.rate_limits import WrongKeyCounter
from authproxy.policy.routes import Routes
from authproxy.values import LOOPBACK
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.admission.shown_key import ShownKey

HERE = ip_address("127.0.0.1")
GOOD, OTHER = b"apk_0123456789abcdef0123", b"apk_3210fedcba9876543210"


def ring(**keys: bytes) -> KeyRing:
    return KeyRing({digest_of(key.decode()): InboundKey(name=name) for name, key in keys.items()})


def listener(keys: KeyRing | None) -> ListenerRules:
    return ListenerRules(
        routes=Routes({}),
        access=AccessList(allow=LOOPBACK),
        wrong_keys=WrongKeyCounter(),
        keys=keys,
    )


def head(*keys: bytes) -> RequestHead:
    return RequestHead(b"GET", b"/", "1.1", [make_field(b"X-Api-Key", key) for key in keys])


def test_a_good_key_has_a_name_and_none_is_missing_only_where_one_is_asked_for() -> None:
    locked, open_to_all = ShownKey(listener(ring(ci=GOOD))), ShownKey(listener(None))
    for shown in (locked, open_to_all):
        shown.find(head(GOOD), HERE)

    assert ("ci", False) == (locked.name, locked.is_missing)
    assert ("", False) == (open_to_all.name, open_to_all.is_missing)
    locked.drop()
    assert ("", True) == (locked.name, locked.is_missing)


def test_a_key_that_is_shown_again_is_looked_up_again_only_under_new_rules() -> None:
    rules = listener(ring(ci=GOOD))
    shown = ShownKey(rules)
    shown.find(head(GOOD), HERE)
    rules.keys = ring(other=OTHER)

    shown.find(head(GOOD), HERE)
    assert "ci" == shown.name
    shown.forget()
    with pytest.raises(Refused) as raised:
        shown.find(head(GOOD), HERE)
    assert Code.KEY_REQUIRED is raised.value.code


def test_what_no_key_was_shown_for_stays_closed() -> None:
    shown = ShownKey(listener(ring(ci=GOOD)))
    shown.find(head(), HERE)

    with pytest.raises(Refused):
        shown.check("billing")
    shown.find(head(GOOD), HERE)
    shown.check("billing")
