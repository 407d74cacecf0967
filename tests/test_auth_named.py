import pytest

from authproxy.auth.named import bearer, named_places, place_of
from authproxy.exchange import NO_TOKEN, Secret
from authproxy.settings import Settings
from tests.support.proxying import make_token

SETTINGS = Settings.model_validate(
    {
        "services": {
            "a": {"url": "https://a.run.app/base", "other_urls": ["https://b.example:8443"]},
            "local": {"url": "http://localhost:9000", "token_header": "X-Token"},
            "six": {"url": "http://[::1]:9000", "token": "access"},
        }
    }
)


@pytest.mark.parametrize(
    ("scheme", "host", "port", "name"),
    [
        ("https", "a.run.app", None, "a"),
        ("HTTPS", "A.Run.App", 443, "a"),
        ("wss", "a.run.app", None, "a"),
        ("https", "b.example", 8443, "a"),
        ("ws", "localhost", 9000, "local"),
        ("http", "::1", 9000, "six"),
        ("http", "[::1]", 9000, "six"),
        ("http", "a.run.app", None, None),
        ("ws", "a.run.app", 443, None),
        ("https", "a.run.app", 8443, None),
        ("https", "b.example", None, None),
        ("https", "x.a.run.app", None, None),
        ("https", "a.run.app.evil.example", None, None),
        ("https", "a.run.app.", None, None),
        ("ftp", "a.run.app", 443, None),
        ("https", "", None, None),
        ("https", None, None, None),
    ],
)
def test_a_host_that_is_named_whole_gets_a_token_and_no_other(
    scheme: str, host: str | None, port: int | None, name: str | None
) -> None:
    place = place_of(scheme, host, port)
    named = None if place is None else named_places(SETTINGS.services).get(place)

    assert name == (named.name if named else None)


@pytest.mark.parametrize(
    ("name", "has_authorization", "field"),
    [
        ("a", False, "Authorization"),
        ("a", True, "X-Serverless-Authorization"),
        ("local", False, "X-Token"),
        ("local", True, "X-Token"),
        ("six", True, "Authorization"),
    ],
)
def test_the_token_s_field_is_the_proxy_s(name: str, has_authorization: bool, field: str) -> None:
    (named, *_) = (n for n in named_places(SETTINGS.services).values() if n.name == name)

    assert field == named.field_name(has_authorization=has_authorization)


def test_no_token_has_no_value() -> None:
    assert bearer(NO_TOKEN) is None
    assert "Bearer " + Secret("t-1").reveal() == bearer(make_token("t-1"))
