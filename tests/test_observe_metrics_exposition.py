"""Families as text."""

import gzip

import pytest
from prometheus_client import Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import CollectorRegistry

from authproxy.observe.metrics.exposition import Writer
from authproxy.observe.metrics.negotiation import OPENMETRICS_1, TEXT_0, Format


def requests(*names: str) -> CounterMetricFamily:
    family = CounterMetricFamily("requests", 'of a "service"\\\nor none', labels=["service"])
    for name in names:
        family.add_metric([name], 3)
    return family


LENGTH = GaugeMetricFamily("length_bytes", "help", value=2.5, unit="bytes")


def written(format_: Format, *metrics: Metric, compress: bool = False) -> bytes:
    writer = Writer(format_, gzip=compress)
    for metric in metrics:
        writer.add(metric)
    return writer.finish()


@pytest.mark.parametrize("format_", [TEXT_0, OPENMETRICS_1], ids=["text", "openmetrics"])
def test_pieces_are_the_same_as_the_whole_by_prometheus_client(format_: Format) -> None:
    class Whole(CollectorRegistry):
        def collect(self) -> list[Metric]:
            return [requests("a", "b", "c"), LENGTH]

    write = openmetrics.generate_latest if format_.is_openmetrics else generate_latest
    pieces = requests("a"), requests("b", "c"), LENGTH

    assert write(Whole()) == written(format_, *pieces)
    assert write(Whole()) == gzip.decompress(written(format_, *pieces, compress=True))


def test_a_family_without_samples_has_its_help() -> None:
    assert b"# HELP requests_total " in written(TEXT_0, requests())
    assert b"# EOF\n" == written(OPENMETRICS_1)
    assert b"" == written(TEXT_0)
