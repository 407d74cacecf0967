from typing import Any

import pytest

from authproxy.auth.auth_keywords import NamedService, TokenKeywords, read_keywords
from authproxy.config.readers.setting_names import SERVICE_KEYS
from authproxy.errors import ConfigError

URL = "https://billing-abc123-ew.a.run.app"


def problems(services: Any, **keywords: object) -> list[str]:
    try:
        read_keywords(services, keywords, {})
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("services", "keywords", "said"),
    [
        (URL, {}, None),
        ([URL, "https://reports.example"], {"credentials": "metadata"}, None),
        ({"billing": {"url": URL, "audience": "https://b.example"}}, {}, None),
        (URL, {"timeouts": {"token": "3s"}}, None),
        ("http://localhost:9000", {"credentials": "metadata"}, None),
        ("http://billing.example", {}, "would get its token unencrypted"),
        (URL, {"ca_file": "x.pem"}, "ca_file: has no effect here"),
        (URL, {"listen": "localhost:1"}, "listen: has no effect here"),
        ({"b": {"url": URL, "path": "/b"}}, {}, "services.b.path: has no effect here"),
        (URL, {"credentials": "gclod"}, "is not a source of tokens"),
        (URL, {"audiense": "x"}, 'there is no such setting; did you mean "audience"?'),
        (URL, {"url": URL}, "the address comes first, without a name"),
        ({}, {}, "no service is given"),
        ([], {}, "no service is given"),
        ("", {}, "url"),
    ],
)
def test_settings_are_those_of_the_configuration_with_its_words(
    services: Any, keywords: dict[str, object], said: str | None
) -> None:
    found = problems(services, **keywords)

    assert (said is None) == (found == [])
    assert said is None or said in found[0]
    assert all(line.startswith("ServiceAuth(): ") for line in found)


def test_every_keyword_is_a_setting() -> None:
    keywords = set(TokenKeywords.__annotations__) - {"timeouts"}

    assert keywords <= set(SERVICE_KEYS)
    assert {*keywords, "timeouts", "url"} == set(NamedService.__annotations__)
