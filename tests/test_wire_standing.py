from authproxy.errors import Code, Refused
from authproxy.exchange import RequestHead
from authproxy.wire.standing import Standing
from tests.test_wire_caller import rules, upstream

HEAD = RequestHead(b"GET", b"/healthz", "1.1", [])


def refusal(*, is_proxy: bool, forwards: bool = False) -> Code | None:
    listener = rules(upstream())
    if forwards:
        listener.health_paths = None
    try:
        Standing(listener, is_proxy=is_proxy).check(HEAD)
    except Refused as refused:
        return refused.code
    return None


def test_a_client_may_ask() -> None:
    assert refusal(is_proxy=False) is None


def test_a_proxy_that_asks_for_itself_hears_of_our_health_unless_it_may_pass() -> None:
    assert Code.HEALTHY == refusal(is_proxy=True)
    assert refusal(is_proxy=True, forwards=True) is None


def test_it_shows_who_it_is() -> None:
    assert "<Standing [a proxy itself]>" == repr(Standing(rules(upstream()), is_proxy=True))
