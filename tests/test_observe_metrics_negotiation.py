"""Which format a scraper gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.observe.metrics.negotiation import FORMATS, choose_format, parse_list, wants_gzip

TEXT = "text/plain; version=0.0.4; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
OPEN_AS_IS = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
OPEN_0 = "application/openmetrics-text; version=0.0.1; charset=utf-8"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
WITH_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
    "q=0.6," + PROMETHEUS_3
)
TEXT_FIRST = (
    "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,*/*;q=0.1"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        (BROWSER, TEXT),
        (PROMETHEUS_3, OPEN_AS_IS),
        (WITH_PROTOBUF, OPEN_AS_IS),
        (TEXT_FIRST, TEXT),
        ("application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5", OPEN_0),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", OPEN),
        ("application/openmetrics-text", OPEN),
        ("application/openmetrics-text, text/plain", OPEN),
        ("text/plain, */*", TEXT),
        ("text/plain", TEXT),
        ("text/*", TEXT),
        ("application/*", OPEN),
        ("text/plain;version=1.0.0", TEXT_1),
        ("text/plain;q=0.5, application/openmetrics-text;q=0.4", TEXT),
        ("application/openmetrics-text;q=0, */*", TEXT),
        ("text/plain;q=0, */*;q=0.1", OPEN),
        ("text/plain;version=0.0.4;q=0, text/plain", TEXT_1),
        ("text/plain;q=0", TEXT),
        ("*/*;q=0", TEXT),
        ("application/json", TEXT),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;version=2.0.0, application/*;q=0.1", OPEN),
        ('application/openmetrics-text; version="1.0.0"', OPEN),
        ("Application/OpenMetrics-Text; Version=1.0.0", OPEN),
        ("application/openmetrics-text;version=1.0.0;escaping=dots", OPEN),
        ("application/openmetrics-text;version=1.0.0;escaping=values", OPEN),
        ('application/openmetrics-text;version=1.0.0;escaping="x\r\nSet-Cookie: a"', OPEN),
        ("application/openmetrics-text;version=0.0.1;escaping=allow-utf-8", OPEN_0),
        ("application/openmetrics-text;q=2, text/plain;q=0.1", TEXT),
        ("application/openmetrics-text;q=nan, text/plain;q=0.1", TEXT),
        ('text/plain;a="x,application/openmetrics-text"', TEXT),
        (",;, ;q=1,=,", TEXT),
    ],
)
def test_the_format_is_the_one_that_is_wanted_most(accept: str, content_type: str) -> None:
    assert content_type == choose_format(accept).content_type


@given(st.text(st.characters(codec="latin-1")))
def test_whatever_is_sent_a_format_of_ours_comes_of_it(accept: str) -> None:
    chosen = choose_format(accept)

    assert chosen.media_type in {each.media_type for each in FORMATS}
    assert set(chosen.content_type) <= set("abcdefghijklmnopqrstuvwxyz0123456789-/.=; ")


@pytest.mark.parametrize(
    ("accept_encoding", "is_wanted"),
    [
        ("", False),
        ("gzip", True),
        ("identity", False),
        ("gzip, deflate, br", True),
        ("gzip;q=0", False),
        ("gzip;q=0.1", True),
        ("gzip;q=0.5, identity;q=0.6", False),
        ("identity;q=0.5, gzip;q=1.0", True),
        ("*", True),
        ("*;q=0", False),
        ("*;q=0, gzip", True),
        ("gzip;q=0, *", False),
        ("X-GZIP", True),
        ("deflate", False),
        ("gzip;q=nonsense", False),
    ],
)
def test_gzip_comes_where_it_is_welcome(accept_encoding: str, is_wanted: bool) -> None:
    assert is_wanted == wants_gzip(accept_encoding)


def test_lists_are_read_with_quotes() -> None:
    (item,) = parse_list(r'a/b; c="d, \"e\"; f";q=0.5')

    assert ("a/b", {"c": 'd, "e"; f'}, 0.5) == item
