import pytest

from authproxy.policy.access.inbound_keys import MAX_KEY, InboundKey, KeyRing, digest_of

CI = InboundKey(name="ci", services=frozenset(["billing"]))
ALL = InboundKey(name="all")
RING = KeyRing({digest_of("old"): CI, digest_of("new"): CI, digest_of("every"): ALL})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"old"], CI),
        ([b"new"], CI),
        ([b"every"], ALL),
        ([b"wrong"], None),
        ([b""], None),
        ([b"old", b"old"], None),
        ([], None),
        ([b"x" * (MAX_KEY + 1)], None),
        (["é".encode()], None),
    ],
)
def test_a_key_is_found_by_its_digest(values: list[bytes], expected: InboundKey | None) -> None:
    assert expected is RING.find(values)


def test_a_key_opens_the_services_it_names_or_all() -> None:
    assert [True, False, True] == [CI.opens("billing"), CI.opens("x"), ALL.opens("x")]


def test_a_ring_shows_names_only() -> None:
    assert "<KeyRing [ci, all]>" == repr(RING)
