"""A head as observers are told of it."""

from authproxy.exchange import NO_TOKEN, SentHead

SENT = SentHead(
    origin="https://billing.run.app",
    method=b"GET",
    target=b"/a/b?key=hunter2",
    version="1.1",
    raw=b"",
    token_line=b"",
    token=NO_TOKEN,
    secret_names=frozenset(),
    opening=None,
)
