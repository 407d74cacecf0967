"""All figures as families."""

from dataclasses import replace

import pytest
from prometheus_client.core import Metric

from authproxy.errors import Code, CredentialError
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.status import Trouble
from authproxy.observe.metrics.collector import PIECE
from authproxy.observe.metrics.exchanges import ExchangeMetrics
from authproxy.observe.metrics.exposition import Writer
from authproxy.observe.metrics.negotiation import OPENMETRICS_1, TEXT_0
from tests.support.metrics import (
    NOW,
    SERVER,
    TOKEN,
    FixedFigures,
    ended,
    make_collector,
    parse,
    samples,
    value,
)

TROUBLE = Trouble.of(CredentialError("no"))


def text_of(collector: object, *, openmetrics: bool = False) -> str:
    writer = Writer(OPENMETRICS_1 if openmetrics else TEXT_0, gzip=False)
    for piece in collector.pieces():  # type: ignore[attr-defined]  # -- any collector
        writer.add(piece)
    return writer.finish().decode()


def test_every_figure_of_the_server_is_there() -> None:
    text = text_of(make_collector())

    assert 20 == value(text, "authproxy_requests_started_total")
    assert 9 == value(text, "authproxy_requests_in_flight")
    assert 8 == value(text, "authproxy_http2_streams_in_flight")
    kinds = {"http1": 1, "http2": 2, "tunnel": 3, "arriving": 4}
    assert kinds == {kind: value(text, "authproxy_client_connections", kind=kind) for kind in kinds}
    assert 400 == value(text, "authproxy_client_connections_limit")
    assert 5 == value(text, "authproxy_client_connections_accepted_total")
    assert 6 == value(text, "authproxy_client_tls_handshakes_total", result="ok")
    assert 7 == value(text, "authproxy_client_tls_handshakes_total", result="failed")
    assert 0 == value(text, "authproxy_draining")


def test_a_limit_that_is_not_known_is_not_made_up() -> None:
    figures = FixedFigures()
    figures.now = replace(SERVER, most=None, draining=True)
    text = text_of(make_collector(figures=figures))

    assert [] == parse(text)["authproxy_client_connections_limit"].samples
    assert 1 == value(text, "authproxy_draining")


def test_before_there_is_a_server_the_rest_is_there() -> None:
    figures = FixedFigures()
    figures.now, figures.names = None, ()

    families = parse(text_of(make_collector(figures=figures), openmetrics=True))
    assert "authproxy_requests_in_flight" not in families
    assert "authproxy_build" in families


def test_every_figure_of_a_pool_is_there_and_the_pool_is_asked_once() -> None:
    figures = FixedFigures("billing", "reports")
    text = text_of(make_collector(figures=figures))

    states = {"connecting": 1, "busy": 3, "idle": 2}
    assert states == {
        state: value(text, "authproxy_pool_connections", service="reports", state=state)
        for state in states
    }
    expected = {
        "connections_limit": 100,
        "connections_opened_total": 7,
        "connections_failed_total": 6,
        "requests_waiting": 4,
        "waits_total": 8,
    }
    assert expected == {
        name: value(text, f"authproxy_pool_{name}", service="billing") for name in expected
    }
    assert ["billing", "reports"] == figures.asked


def test_every_figure_of_a_token_is_there() -> None:
    text = text_of(make_collector())
    expected = {
        "usable": 1.0,
        "age_seconds": 600.0,
        "expiry_timestamp_seconds": NOW + 3000,
        "mints_total": 3.0,
        "mint_failures_total": 2.0,
    }

    assert expected == {
        name: value(text, f"authproxy_token_{name}", service="billing", account="")
        for name in expected
    }
    assert 0 == value(text, "authproxy_dependency_failing", service="billing", kind="token")


def test_each_account_that_keys_act_as_has_figures_of_its_own() -> None:
    figures = FixedFigures()
    failing = replace(TOKEN, account="ci@x.example", failures=7, trouble=TROUBLE)
    secret = replace(TOKEN, code=Code.SECRET_UNAVAILABLE)
    figures.statuses["billing"] = (TOKEN, secret, failing)
    text = text_of(make_collector(figures=figures))

    samples = parse(text)["authproxy_token_mint_failures"].samples
    found = {each.labels["account"]: each.value for each in samples if each.name.endswith("_total")}
    assert {"": 2.0, "ci@x.example": 7.0} == found
    assert 1 == value(text, "authproxy_dependency_failing", service="billing", kind="token")


def test_what_is_not_known_of_a_token_is_absent() -> None:
    figures = FixedFigures("new", "without", "unresolved")
    none = replace(TOKEN, expires_at=None, obtained_at=None, state=TokenState.INVALID)
    figures.statuses = {
        "new": (none,),
        "without": (replace(TOKEN, expires_at=float("inf"), obtained_at=None),),
        "unresolved": (replace(TOKEN, code=Code.SERVICE_UNRESOLVED, trouble=TROUBLE),),
    }
    text = text_of(make_collector(figures=figures))
    families = parse(text)

    assert [] == families["authproxy_token_age_seconds"].samples
    assert [] == families["authproxy_token_expiry_timestamp_seconds"].samples
    usable = families["authproxy_token_usable"].samples
    assert {"new": 0.0, "without": 1.0} == {each.labels["service"]: each.value for each in usable}
    assert 1 == value(text, "authproxy_dependency_failing", service="unresolved", kind="address")


def test_one_secret_of_several_that_fails_shows() -> None:
    figures = FixedFigures()
    secret = replace(TOKEN, code=Code.SECRET_UNAVAILABLE)
    figures.statuses["billing"] = (TOKEN, replace(secret, trouble=TROUBLE), secret)
    text = text_of(make_collector(figures=figures))

    failing = parse(text)["authproxy_dependency_failing"].samples
    assert {"token": 0.0, "secret": 1.0} == {each.labels["kind"]: each.value for each in failing}


def test_exchanges_are_there_with_all_below_each_bound() -> None:
    exchanges = ExchangeMetrics()
    for duration_s in (0.0005, 0.001, 0.3, 100.0):
        exchanges.exchange_ended(ended(duration_s=duration_s))
    text = text_of(make_collector(exchanges=exchanges))
    name = "authproxy_request_duration_seconds"
    bounds = {"0.001": 2, "0.25": 2, "0.5": 3, "60.0": 3, "+Inf": 4}

    assert bounds == {le: value(text, f"{name}_bucket", service="billing", le=le) for le in bounds}
    assert 4 == value(text, f"{name}_count", service="billing")
    assert 100.3015 == pytest.approx(value(text, f"{name}_sum", service="billing"))
    labels = {"service": "billing", "method": "GET", "status": "2xx", "error": ""}
    assert 4 == value(text, "authproxy_requests_total", **labels)


def test_a_service_that_nobody_has_asked_for_is_there_with_zeros() -> None:
    """Else its first error would not show as a rate."""
    found = samples(text_of(make_collector("idle")))
    mine = {name: found for (name, labels), found in found.items() if ("service", "idle") in labels}

    for name in ("duration", "added"):
        assert any(name in each for each in mine)
    assert 0 == mine["authproxy_retries_total"]


def test_an_example_of_openmetrics_has_the_trace() -> None:
    exchanges = ExchangeMetrics()
    trace = "0af7651916cd43dd8448eb211c80319c"
    field = (b"traceparent", f"00-{trace}-b7ad6b7169203331-01".encode())
    exchanges.exchange_ended(ended(fields=[field], duration_s=0.25))
    collector = make_collector(exchanges=exchanges)
    family = parse(text_of(collector, openmetrics=True))["authproxy_request_duration_seconds"]
    (example,) = [each.exemplar for each in family.samples if each.exemplar is not None]

    assert ({"trace_id": trace}, 0.25) == (example.labels, example.value)
    assert NOW + 0.25 == float(example.timestamp or 0)
    assert trace not in text_of(collector)


def count_samples(piece: Metric) -> int:
    return len(piece.samples)


def test_large_families_come_in_pieces_which_are_one_in_the_text() -> None:
    names = [f"s{number}" for number in range(250)]
    collector = make_collector(*names)
    pieces = list(collector.pieces())

    assert max(map(count_samples, pieces)) < PIECE + 20
    assert len(pieces) > len({piece.name for piece in pieces})
    families = parse(text_of(collector, openmetrics=True))
    assert 250 == len(families["authproxy_pool_connections_limit"].samples)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("authproxy_requests_in_flight", {"authproxy_requests_in_flight"}),
        ("authproxy_retries_total", {"authproxy_retries_total"}),
        ("authproxy_retries", {"authproxy_retries_total"}),
        ("authproxy_build_info", {"authproxy_build_info"}),
        (
            "authproxy_event_loop_lag_seconds_count",
            {"authproxy_event_loop_lag_seconds_count"},
        ),
        (
            "authproxy_event_loop_lag_seconds",
            {f"authproxy_event_loop_lag_seconds_{each}" for each in ("bucket", "sum", "count")},
        ),
        ("nothing", set()),
    ],
)
def test_names_choose_families_or_single_samples(wanted: str, expected: set[str]) -> None:
    pieces = list(make_collector().pieces(frozenset([wanted])))

    assert expected == {each.name for piece in pieces for each in piece.samples}
