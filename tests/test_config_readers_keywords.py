from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from authproxy.config.loading import load_keywords
from authproxy.errors import ConfigError
from authproxy.settings import Settings

URL = "https://billing-abc123-ew.a.run.app"


def read(services: Any, /, **keywords: object) -> Settings:
    return load_keywords(services, keywords, where="serve()", environ={"KEY": "hunter2"})


def problems(services: Any, /, **keywords: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(services, **keywords)
    return [str(problem) for problem in caught.value.problems]


def test_one_address_is_one_service_and_keywords_are_settings_of_both_kinds() -> None:
    settings = read(
        URL,
        audience="https://billing.example",
        listen="127.0.0.1:0",
        allow=("10.0.0.0/8", ip_network("192.0.2.0/24")),
        deny_methods={"PUT"},
        timeouts={"drain": "2s", "token": None},
        keys={"ci": {"sha256": "a" * 64}},
        impersonate=None,
    )

    service = settings.services["billing"]
    assert "https://billing.example" == service.audience
    assert (("PUT",), ()) == (service.deny_methods, service.allow)
    assert ["10.0.0.0/8", "192.0.2.0/24"] == list(map(str, settings.allow))
    assert (2.0, ["ci"]) == (settings.timeouts.drain, [*settings.keys])


def test_several_are_given_by_name_or_named_by_their_addresses() -> None:
    by_name = read(
        {
            "a": URL,
            "b": {"url": "https://b.example", "credentials": "adc"},
        },
        credentials="metadata",
    )
    by_address = read([URL, "reports=https://b.example"])

    assert ["a", "b"] == [*by_name.services]
    assert ["metadata", "adc"] == [str(each.credentials) for each in by_name.services.values()]
    assert ["billing", "reports"] == [*by_address.services]


def test_a_service_by_cloud_run_s_name_is_one_too() -> None:
    assert (
        "project-1/europe-west1/billing"
        == read("project-1/europe-west1/billing").services["billing"].address
    )


def test_a_path_is_as_good_as_its_text(tmp_path: Path) -> None:
    said = problems(URL, ca_file=tmp_path / "no.pem")

    assert [f'serve(): ca_file: there is no file "{tmp_path}/no.pem"'] == said


@pytest.mark.parametrize(
    ("services", "keywords", "said"),
    [
        (URL, {"credential": "x"}, 'credential: there is no such setting; did you mean "cred'),
        (URL, {"threads": 4}, "threads: there is no such setting; write workers"),
        (URL, {"services": {}}, "services: there is no such setting; the address comes first"),
        (URL, {"service": "a"}, "service: there is no such setting; the address comes first"),
        (URL, {"limits": 3}, "limits: must be a mapping of names to values"),
        (URL, {"keys": ["x"]}, "keys: must be a mapping of names to values"),
        (URL, {"keys": {"ci": "x"}}, "keys.ci: must be a mapping of names to values"),
        (URL, {"timeouts": {"drian": 1}}, "timeouts.drian: there is no such setting; did you me"),
        (URL, {"deny_methods": [3]}, "deny_methods: must be text in quotes"),
        ({"b": 3}, {}, "services.b: must be a mapping of names to values"),
        ({"b": {"url": URL, "odience": "x"}}, {}, "services.b.odience: there is no such setting"),
        ({"b": {}}, {}, 'services.b: the service "b" has no url'),
        ([URL, URL.replace("https", "http")], {}, "would get its token unencrypted"),
        (["a=https://a.example", "a=https://b.example"], {}, 'two services are called "a"'),
        ({}, {}, "no service is given; give its address"),
    ],
)
def test_a_mistake_is_named_as_the_program_wrote_it(
    services: Any, keywords: dict[str, object], said: str
) -> None:
    found = problems(services, **keywords)

    assert any(said in line for line in found), found
    assert all(line.startswith("serve(): ") for line in found)


def test_no_variable_of_authproxy_s_is_read() -> None:
    environ = {"AUTHPROXY_AUDIENCE": "https://x.example", "AUTHPROXY_BOGUS": "1", "PORT": "1234"}
    settings = load_keywords(URL, {}, where="serve()", environ=environ)

    assert settings.services["billing"].audience is None
    assert [8080] == [each.port for each in settings.listen]
