"""Reports are asked for by who needs them, and go where they belong."""

from authproxy.inspector.assembly import build_recording
from authproxy.observe.metrics.exchanges import ExchangeMetrics
from authproxy.observe.metrics.histogram import Counts
from authproxy.workers.reports import Reports
from tests.support.recorded import MEBIBYTE

LOST = {"do": "exchanges", "list": [], "tokens": {}, "lost": 3}
COUNTS = {"do": "counts", "server": {"begun": 4}}


def test_where_nobody_asks_nothing_is_to_be_reported() -> None:
    reports = Reports()
    reports.hear(1, LOST)
    reports.gone(1)

    assert {"counts": False, "records": False} == reports.wanted


def test_counts_and_exchanges_are_heard_apart() -> None:
    reports = Reports()
    recording = build_recording(memory=8 * MEBIBYTE, body_bytes=1024, with_content=())
    reports.counts.add_to = ExchangeMetrics(), Counts((1.0,))
    reports.record_into(recording)
    reports.hear(1, LOST)
    reports.hear(1, COUNTS)
    reports.gone(1)

    assert {"counts": True, "records": True} == reports.wanted
    assert 3 == recording.store.forgotten
    assert 4 == reports.counts.server(processes=0, draining=False).begun
    assert "<Reports <CommonCounts [0 workers]>>" == repr(reports)
