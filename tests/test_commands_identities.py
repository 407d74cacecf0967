from authproxy.commands.identities import source_of
from authproxy.identity.machine import Machine
from tests.support.configuring import URL, settings


def test_the_source_is_the_services_own() -> None:
    found = settings(urls=[URL], flags={"--credentials": "token-env:T"}, environ={"T": "x"})

    assert "token-env:T" == source_of(found.services["billing"], found, Machine({})).name
