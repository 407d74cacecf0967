"""Writes families as text, piece by piece.

prometheus_client writes a whole registry at once, and repeats HELP and TYPE for each family that it
is given. So each piece is written by itself, and of those that go on with a family the lines with
HELP and TYPE are cut off.
"""

import zlib
from collections.abc import Iterable

from prometheus_client import Metric, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from authproxy.observe.metrics.negotiation import Format

END = b"# EOF\n"
GZIP = 31
"""What zlib calls a window of full size, with gzip's frame around it."""
_AS_THEY_ARE = openmetrics.ALLOWUTF8
"""Names of ASCII letters and underscores are the same by every scheme; this one is written in half
the time of `underscores`, which looks at each letter."""
LEVEL = 4
"""Of compression: 6 takes twice as long for a twentieth less."""


class Writer:
    """One answer in one format."""

    def __init__(self, format_: Format, *, gzip: bool) -> None:
        self._is_openmetrics = format_.is_openmetrics
        self._gzip = zlib.compressobj(LEVEL, wbits=GZIP) if gzip else None
        self._out: list[bytes] = []
        self._family = ""

    def add(self, metric: Metric) -> None:
        """Families and their pieces in a row."""
        text = self._write(metric)
        if metric.name == self._family:
            text = text[len(self._write(_without_samples(metric))) :]
        self._family = metric.name
        self._put(text)

    def finish(self) -> bytes:
        """The whole answer."""
        if self._is_openmetrics:
            self._put(END)
        if self._gzip is not None:
            self._out.append(self._gzip.flush())
        return b"".join(self._out)

    def _write(self, metric: Metric) -> bytes:
        one = _One(metric)
        if self._is_openmetrics:
            text: bytes = openmetrics.generate_latest(one, _AS_THEY_ARE)  # type: ignore[no-untyped-call]  # -- it is
            return text.removesuffix(END)
        return generate_latest(one, _AS_THEY_ARE)

    def _put(self, text: bytes) -> None:
        self._out.append(text if self._gzip is None else self._gzip.compress(text))


class _One(Collector):
    """A registry of one family."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return (self._metric,)


def _without_samples(metric: Metric) -> Metric:
    return Metric(metric.name, metric.documentation, metric.type, metric.unit)
