import pytest

from authproxy.errors import Code, Refused
from authproxy.exchange import RequestHead
from authproxy.policy.access.health import HealthProbe
from authproxy.policy.messages.facts import RequestFacts
from authproxy.wire.admission.general_checks import GeneralChecks
from authproxy.wire.loops import Loops
from tests.test_wire_admission_caller import rules, upstream
from tests.test_wire_loops import LINK, connected

HEAD = RequestHead(b"GET", b"/healthz", "1.1", [])


def refusal(*, is_proxy: bool, forwards: bool = False, loops: Loops | None = None) -> Code | None:
    listener = rules(upstream())
    if forwards:
        listener.health_paths = None
    checks = GeneralChecks(listener, loops=loops, link=LINK, is_proxy=is_proxy)
    try:
        checks.check(HEAD, RequestFacts())
    except Refused as refused:
        return refused.code
    return None


def test_a_client_may_ask() -> None:
    assert refusal(is_proxy=False) is None
    assert refusal(is_proxy=False, loops=Loops()) is None


def test_a_proxy_that_asks_for_itself_hears_of_our_health_unless_it_may_pass() -> None:
    assert Code.HEALTHY == refusal(is_proxy=True)
    assert refusal(is_proxy=True, forwards=True) is None


def test_everybody_may_ask_whether_we_are_ready_where_a_path_is_named() -> None:
    listener = rules(upstream())
    listener.probe = HealthProbe(b"/healthz", lambda: False)
    with pytest.raises(Refused) as refused:
        GeneralChecks(listener).check(HEAD, RequestFacts())

    assert Code.NOT_READY == refused.value.code


def test_who_comes_by_a_connection_of_our_own_is_ourselves() -> None:
    loops = Loops()
    loops.opened(connected(("127.0.0.1", 5000), ("127.0.0.1", 8080)))

    assert Code.LOOP_DETECTED == refusal(is_proxy=False, loops=loops)


def test_nothing_is_marked_without_knowing_of_loops() -> None:
    assert b"" == GeneralChecks(rules(upstream())).mark(RequestFacts(), [])


def test_it_shows_who_it_is() -> None:
    assert "<GeneralChecks [a proxy itself]>" == repr(
        GeneralChecks(rules(upstream()), is_proxy=True)
    )
