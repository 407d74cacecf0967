import pytest

from authproxy.commands.identities import audience_of, source_of
from tests.support.configuring import URL, settings


@pytest.mark.parametrize(
    ("flags", "expected"), [({}, URL), ({"--audience": "https://other"}, "https://other")]
)
def test_the_audience_is_the_services_address_unless_set(
    flags: dict[str, object], expected: str
) -> None:
    assert expected == audience_of(settings(urls=[URL], flags=flags).services["billing"])


def test_the_source_is_the_services_own() -> None:
    found = settings(urls=[URL], flags={"--credentials": "token-env:T"}, environ={"T": "x"})

    assert "token-env:T" == source_of(found.services["billing"], found, {}).name
