"""The command itself is tried in tests/e2e/test_discovery.py."""

import tomllib

from authproxy.commands.list import as_toml
from authproxy.identity.apis.cloud_run import Listed
from authproxy.values import parse_run_service


def listed(text: str, url: str = "https://x.a.run.app") -> Listed:
    return Listed(service=parse_run_service(text), url=url)


def test_each_service_is_a_table_with_its_address_beside_it() -> None:
    found = [listed("acme-prod/us-east4/a"), listed("acme-prod/us-east4/b", url="")]

    assert (
        '[services.a]\nservice = "acme-prod/us-east4/a"  # https://x.a.run.app\n\n'
        '[services.b]\nservice = "acme-prod/us-east4/b"'
    ) == as_toml(found)


def test_services_of_one_name_are_told_apart_by_their_regions() -> None:
    found = [listed("acme-prod/us-east4/a"), listed("acme-prod/us-east1/a")]

    assert ["a-us-east4", "a-us-east1"] == list(tomllib.loads(as_toml(found))["services"])
