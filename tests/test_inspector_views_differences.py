import pytest

from authproxy.inspector.views.differences import Change, compare, why_answer, why_request

CAME = [("Host", "a"), ("Accept", "*/*"), ("Connection", "x-hop"), ("X-Hop", "1"), ("Via", "1")]
WENT = [("Host", "b"), ("Accept", "*/*"), ("X-Key", "k"), ("Via", "1"), ("Via", "2")]


def test_what_was_changed_of_a_head_is_told_with_its_reason() -> None:
    why = why_request(frozenset([b"x-key"]), "Authorization", "x-api-key", "x-hop")

    found = [line.shown() for line in compare(CAME, WENT, why)]

    assert [
        {
            "name": "Host",
            "value": "b",
            "change": "replaced",
            "before": "a",
            "why": "the service's address",
        },
        {"name": "Accept", "value": "*/*", "change": "kept"},
        {"name": "Connection", "value": "x-hop", "change": "removed", "why": "hop-by-hop"},
        {"name": "X-Hop", "value": "1", "change": "removed", "why": "named by Connection"},
        {"name": "Via", "value": "1", "change": "kept"},
        {"name": "Via", "value": "2", "change": "added", "why": "add_headers"},
        {"name": "X-Key", "value": "k", "change": "added", "why": "secret of the configuration"},
    ] == found


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("authorization", "added", "token"),
        ("x-serverless-authorization", "removed", "token"),
        ("x-api-key", "removed", "key for authproxy itself"),
        ("x-forwarded-for", "added", "forwarded"),
        ("forwarded", "removed", "forwarded"),
        ("origin", "replaced", "address"),
        ("x-own", "removed", "remove_headers"),
        ("x-authproxy-hops", "added", "against loops"),
    ],
)
def test_reason_for_a_request(name: str, change: Change, reason: str) -> None:
    assert reason == why_request((), "Authorization", "x-api-key", "close")(name, change)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("alt-svc", "removed", "it leads past authproxy"),
        ("x-authproxy-hint", "added", "advice of authproxy"),
        ("x-authproxy-hint", "removed", "only authproxy may say this"),
        ("x-authproxy-error", "added", "authproxy says so"),
        ("location", "replaced", "address"),
        ("set-cookie", "replaced", "address"),
        ("connection", "added", "hop-by-hop"),
        ("content-length", "removed", "framing"),
        ("x-other", "added", ""),
    ],
)
def test_reason_for_an_answer(name: str, change: Change, reason: str) -> None:
    assert reason == why_answer(name, change)
