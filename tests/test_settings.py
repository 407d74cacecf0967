from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from authproxy.settings import ServiceSettings, Settings, TimeoutSettings
from authproxy.values import LOOPBACK, CredentialsSpec, Listen, Origin, SecretRef

ORIGIN = Origin("https", "a.run.app", 443)


def make(**settings: Any) -> Settings:
    return Settings.model_validate({"services": {"a": {"url": "https://a.run.app"}}, **settings})


def service(**settings: Any) -> ServiceSettings:
    return ServiceSettings.model_validate({"url": "https://a.run.app", **settings})


def complaint(**settings: Any) -> str:
    """What is said about the one value that is wrong."""
    with pytest.raises(ValidationError) as caught:
        make(**settings)
    [detail] = caught.value.errors()
    return str(detail["msg"]).removeprefix("Value error, ")


def test_a_url_is_enough() -> None:
    settings = make()

    assert (Listen(),) == settings.listen
    assert settings.allow == LOOPBACK
    assert {"a": ServiceSettings(url=ORIGIN)} == settings.services


def test_parsed_values_pass_as_they_are() -> None:
    built = ServiceSettings(
        url=ORIGIN,
        credentials=CredentialsSpec("gcloud"),
        api_key=SecretRef("env", "KEY"),
        allow=(ip_network("10.0.0.0/8"),),
        ca_file=Path("/ca.pem"),
    )

    assert built == service(
        credentials="gcloud", api_key="env:KEY", allow="10.0.0.0/8", ca_file="/ca.pem"
    )


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        (8080, (Listen("localhost", 8080),)),
        ("8080", (Listen("localhost", 8080),)),
        ([80, "unix:/s"], (Listen("localhost", 80), Listen(path=Path("/s")))),
    ],
)
def test_one_listener_needs_no_list_and_a_port_no_quotes(
    listen: object, expected: tuple[Listen, ...]
) -> None:
    assert expected == make(listen=listen).listen


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"listen": [True]}, "must be text in quotes"),
        ({"listen": []}, "must not be empty; leave it out to get the default"),
        ({"allow": [3]}, "must be text in quotes"),
        ({"allow": True}, "Input should be a valid tuple"),
        (
            {"log": {"level": "warn"}},
            'must be one of debug, info, warning, error, not "warn"; did you mean "warning"?',
        ),
        ({"log": {"format": 3}}, "must be one of auto, text, json"),
        ({"limits": {"headers": True}}, "must be a number, not true or false"),
        ({"timeouts": {"drain": False}}, "must be a number, not true or false"),
        ({"timeouts": {"drain": float("inf")}}, "Input should be a finite number"),
        (
            {"services": {"A": {"url": "https://a"}}},
            '"A" cannot be a service\'s name; write'
            " lower-case letters, digits and hyphens, 63 at most: a",
        ),
        (
            {"services": {"a": {"url": "https://a", "api_key_header": "auto"}}},
            "needs a header's name, as in X-Api-Key",
        ),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused(settings: dict[str, Any], expected: str) -> None:
    assert expected == complaint(**settings)


def test_words_may_be_written_in_capitals() -> None:
    log = make(log={"level": "INFO", "format": "Json"}).log

    assert ("info", "json") == (log.level, log.format)


def test_the_header_for_a_key_can_be_chosen() -> None:
    assert "X-Key" == service(api_key_header="X-Key").api_key_header


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="Settings is frozen: hosts cannot be set"):
        make().hosts = ("a",)  # type: ignore[misc]  # -- that it is refused is the point


def test_settings_do_not_hold_a_secret() -> None:
    assert "api_key=SecretRef(kind='env', value='KEY')" in repr(service(api_key="env:KEY"))


def test_a_services_own_timeouts_stand_in_place_of_those_for_all() -> None:
    own = service(first_byte_timeout=5, total_timeout=0)
    settings = Settings(
        services={"billing": own, "other": service()}, timeouts=TimeoutSettings(total=60)
    )

    found = settings.timeouts_of(own)
    assert (10.0, 5.0, 3600.0, 0.0) == (
        found.connect,
        found.first_byte,
        found.stream_idle,
        found.total,
    )
    assert settings.timeouts is settings.timeouts_of(settings.services["other"])
