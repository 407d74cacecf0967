import pytest

from authproxy.workers.missing import missing_with_workers
from tests.support.configuring import URL, settings

ASKED = {
    "AUTHPROXY_AUTHORIZER_LISTEN": "127.0.0.1:9191",
    "AUTHPROXY_TRUSTED_PROXIES": "127.0.0.1",
}


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, []),
        ({"AUTHPROXY_ADMIN": "off", "AUTHPROXY_INSPECT": "off"}, []),
        ({"AUTHPROXY_ADMIN": "4040"}, []),
        (
            {
                "AUTHPROXY_LIMITS_BODY_BYTES": "1000",
                "AUTHPROXY_LIMITS_CONNECTIONS_PER_SERVICE": "5",
            },
            [],
        ),
        (
            {
                "AUTHPROXY_LIMITS_REQUESTS_PER_SECOND": "1",
                "AUTHPROXY_LIMITS_CONNECTIONS": "1",
                "AUTHPROXY_LIMITS_CONNECTIONS_PER_CLIENT": "1",
                "AUTHPROXY_KEYS_A_SHA256": "0" * 64,
            },
            [],
        ),
        ({"AUTHPROXY_INSPECT_RECORD": "on"}, []),
        ({"AUTHPROXY_RECORD_BODIES": "true"}, []),
        (
            {"AUTHPROXY_INSPECT_RECORD": "on", "AUTHPROXY_RECORD_BODIES": "true"},
            ["services.billing.record_bodies"],
        ),
        (ASKED, []),
    ],
)
def test_only_what_would_not_hold_for_all_together_is_missing(
    environ: dict[str, str], missing: list[str]
) -> None:
    assert missing == list(missing_with_workers(settings(urls=[URL], environ=environ)))
