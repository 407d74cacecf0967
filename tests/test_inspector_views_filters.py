import pytest

from authproxy.errors import Refused
from authproxy.inspector.views.filters import read_filter
from authproxy.inspector.views.rows import Row

ROW: Row = {
    "id": "7",
    "request_id": "abc-7",
    "target": "/Invoices/12",
    "host": "localhost",
    "service": "billing",
    "client": "127.0.0.1",
    "principal": "ann@example.com",
    "method": "POST",
    "status": 404,
    "code": None,
    "kinds": ["grpc", "refused"],
}


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({}, True),
        ({"text": "invoices"}, True),
        ({"text": "INVOICES ann 404"}, True),
        ({"text": "invoices bob"}, False),
        ({"service": "billing"}, True),
        ({"service": "other, billing"}, True),
        ({"service": "other"}, False),
        ({"method": "get,post"}, True),
        ({"method": "GET"}, False),
        ({"status": "404"}, True),
        ({"status": "4xx"}, True),
        ({"status": "2XX,5xx"}, False),
        ({"status": ">=400"}, True),
        ({"status": ">404"}, False),
        ({"status": "<=404"}, True),
        ({"status": "<404"}, False),
        ({"status": "400-499"}, True),
        ({"status": "0"}, False),
        ({"kind": "grpc"}, True),
        ({"kind": "sse,mcp"}, False),
        ({"kind": "refused", "status": "2xx"}, False),
    ],
    ids=str,
)
def test_filter_fits(query: dict[str, str], fits: bool) -> None:
    assert fits is read_filter(query).fits(ROW)


@pytest.mark.parametrize(
    "query", [{"status": "banana"}, {"status": "4x"}, {"kind": "http"}], ids=str
)
def test_filter_that_cannot_be_read_says_what_to_write(query: dict[str, str]) -> None:
    with pytest.raises(Refused, match="cannot be read") as caught:
        read_filter(query)

    assert caught.value.hint.startswith("Write ")
