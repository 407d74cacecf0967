import pytest

from authproxy.observe.collector_address import find_collector


@pytest.mark.parametrize(
    ("environ", "where"),
    [
        ({}, "http://localhost:4318"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://u:p@c.example:1/k?k=1"}, "http://c.example:1"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a.example",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://b.example/v1/traces",
            },
            "https://b.example",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:b:c"}, ""),
    ],
)
def test_the_collector_is_told_by_its_address_without_what_may_be_a_key(
    environ: dict[str, str], where: str
) -> None:
    assert where == find_collector(environ)
