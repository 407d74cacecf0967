"""What the documents say about settings, flags and variables is what the program knows."""

import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme

from authproxy.config.loading import load
from authproxy.config.readers.environment import CONFIG, PLACES, PORT, URL
from authproxy.config.readers.setting_names import EVERY, FLAGS, PATHS, SECTIONS, VARIABLES
from authproxy.policy.google.rejection import Rejection
from authproxy.settings import ServiceSettings, Settings
from authproxy.tables.frozen import Frozen
from tests.clients.client_list import CLIENTS
from tests.support.certificates import write_pair

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config.example.toml"
CONFIGURATION = ROOT / "docs" / "configuration.md"

EXAMPLES = {"services": "billing", "listeners": "lan", "keys": "ci"}
"""The names in the example."""

BY_NAME: dict[tuple[str, ...], str] = {
    ("services", EVERY, key): "reports" for key in ("service", "tag")
}
"""What the example shows for another service, as it does not go together with a URL."""

MENTIONED_ONLY = {"AUTHPROXY_SERVICE_HOST", "AUTHPROXY_PORT_8080_TCP", "_AUTHPROXY_COMPLETE"}
"""Names of variables that the page mentions and that are not settings."""


def uncommented() -> str:
    """The example with every setting active."""
    return re.sub(r"^#(?=[a-z\[])", "", EXAMPLE.read_text(), flags=re.MULTILINE)


def test_the_example_as_it_is_sets_nothing() -> None:
    assert {} == tomllib.loads(EXAMPLE.read_text())


def test_the_example_has_every_setting() -> None:
    document = tomllib.loads(uncommented())
    missing = []
    for path in PATHS:
        table: Any = document
        for part in path[:-1]:
            table = table[BY_NAME.get(path, EXAMPLES[path[0]]) if part == EVERY else part]
        if path[-1] not in table:
            missing.append(path)

    assert [] == missing


def test_the_example_loads_with_every_setting_active(tmp_path: Path) -> None:
    (tmp_path / "authproxy.toml").write_text(uncommented())
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "internal-ca.pem"))
    for stem in ("server", "client"):
        write_pair(tmp_path, "localhost", authority=authority, stem=stem)
    for name in ("allow.txt", "deny.txt"):
        (tmp_path / name).write_text("192.0.2.0/24\n")
    (tmp_path / "ci.key").write_text("apk_only-an-example-of-a-key\n")

    settings = load(
        urls=[],
        file=tmp_path / "authproxy.toml",
        flags={},
        environ={
            "BILLING_API_KEY": "hunter2",
            "ADMIN_KEY": "a-key-of-sixteen-and-more",
            "AUTHPROXY_TRUSTED_PROXIES": "127.0.0.1",  # the authorizer's default is none at all
        },
    )

    assert ["billing", "reports"] == list(settings.services)


def defaults_of(model: type[Frozen], written: dict[str, Any]) -> dict[str, Any]:
    """The defaults of all settings that have one, written as in the file."""
    return {
        name: list(map(str, field.default)) if isinstance(field.default, tuple) else field.default
        for name, field in model.model_fields.items()
        if name in written and isinstance(field.default, tuple | str | int | float)
    }


@pytest.mark.parametrize("section", [*SECTIONS])
def test_the_example_shows_the_defaults(section: str) -> None:
    model = SECTIONS[section]
    written = tomllib.loads(uncommented())[section]
    with_default = {
        name: value
        for name, value in written.items()
        if model.model_fields[name].default is not None
    }

    assert with_default == defaults_of(model, written)


def test_the_example_shows_the_defaults_of_a_service_and_of_the_listener() -> None:
    document = tomllib.loads(uncommented())
    service = document["services"]["billing"]
    document["listen"] = [address.removesuffix(":8080") for address in document["listen"]]
    top = defaults_of(Settings, document)
    billing = defaults_of(ServiceSettings, service)

    assert top == {name: document[name] for name in top}
    assert billing == {name: service[name] for name in billing}
    assert str(ServiceSettings.model_fields["credentials"].default) == service["credentials"]


def test_every_setting_in_the_example_is_explained() -> None:
    """A line of prose stands directly above each setting."""
    lines = EXAMPLE.read_text().splitlines()
    bare = [
        line
        for above, line in pairwise(lines)
        if re.match(r"#[a-z]", line) and not above.startswith("# ")
    ]

    assert [] == bare


def test_the_table_of_settings_is_up_to_date() -> None:
    made = subprocess.run(
        [sys.executable, "scripts/settings_doc.py"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    page = CONFIGURATION.read_text()
    table = page.split("<!-- settings: begin -->")[1].split("<!-- settings: end -->")[0]

    assert made.strip() == table.strip(), "run python scripts/settings_doc.py --write"


def test_the_page_names_every_flag_and_variable() -> None:
    page = CONFIGURATION.read_text()

    assert [] == [name for name in (*FLAGS, *VARIABLES, URL, CONFIG) if f"`{name}" not in page]


def test_the_page_names_no_variable_that_does_not_exist() -> None:
    named = set(re.findall(r"_?AUTHPROXY_[A-Z0-9_]*[A-Z0-9]", CONFIGURATION.read_text()))
    known = {*VARIABLES, URL, CONFIG, PORT, *PLACES} | MENTIONED_ONLY

    assert [] == [
        name
        for name in sorted(named - known)
        if not re.match("AUTHPROXY_(SERVICES|LISTENERS|KEYS)_", name)
    ]


def test_the_example_in_the_page_loads(tmp_path: Path) -> None:
    [block] = re.findall(r"```toml\n(.*?)```", CONFIGURATION.read_text(), re.DOTALL)
    (tmp_path / "authproxy.toml").write_text(block)

    settings = load(
        urls=[],
        file=tmp_path / "authproxy.toml",
        flags={},
        environ={"BILLING_API_KEY": "hunter2"},
    )

    assert ["billing", "reports"] == list(settings.services)


@pytest.mark.parametrize("rejection", Rejection)
def test_every_refusal_of_googles_has_a_section(rejection: Rejection) -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    sections = re.findall(r"^### .+\n\n`(\w+)`\. ", text, re.MULTILINE)

    assert 1 == sections.count(rejection)


def test_the_page_of_clients_has_a_row_for_each_that_is_tested_and_no_other() -> None:
    page = (ROOT / "docs" / "clients.md").read_text()
    rows = re.findall(r"^\| (.+?) \| .+ \|$", page, re.MULTILINE)

    assert sorted(client.name for client in CLIENTS) == sorted(set(rows) - {"client"})
