import json
import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from authproxy.commands.setup.schema import as_json, schema
from authproxy.config.loading import load
from authproxy.config.readers.old_names import OldName
from authproxy.errors import ConfigError

ROOT = Path(__file__).parent.parent
VALIDATOR = Draft7Validator(schema())

ACCEPTED = [
    "listen = 8081",
    'listen = ["8081", 8082]',
    'listen = "localhost:8081, localhost:8082"',
    "admin = false",
    "admin = 4041",
    'allow = "127.0.0.1, ::1"',
    "admin_quit = true",
    'admin_quit = "Yes"',
    '[log]\nlevel = "DEBUG"\naccess = "off"\nsample = "1%"\nslow = "500ms"',
    "[log]\nsample = 0\nslow = 2",
    "[inspect]\nrecord = true",
    '[limits]\nbody_bytes = "10MB"\nrequests_per_second = "600/min"',
    '[timeouts]\nconnect = "250ms"\nhead = 3',
    '[services.b]\nurl = "https://b.example"\ntls_min_version = 1.3\nmethods = "read-only"',
    '[services.b]\nurl = "https://b.example"\ntls_min_version = "TLSv1.2"\ntotal_timeout = 0',
    '[services.b]\nservice = "acme-prod/europe-west1/b"\ntag = "canary"',
    '[listeners.a]\nlisten = "unix:/tmp/s"\nsocket_mode = 0o660\npeer_uids = 0',
]
REFUSED = [
    "listen = true",
    "listen = []",
    "lissten = 80",
    'log = "debug"',
    '[log]\nlevel = "loud"',
    "[log]\nsample = 2",
    "[limits]\nhead_bytes = 1",
    "[limits]\nheaders = true",
    "[timeouts]\nconnect = 0",
    "[timeouts]\nconect = 1",
    "[services.b]\nurl = 5",
    '[services.b]\nurl = "https://b.example"\ntoken = "both"',
    '[services.b]\nurl = "https://b.example"\ntls_min_version = "1.1"',
    '[services.b]\nurl = "https://b.example"\nstrip_path = "perhaps"',
    '[keys.ci]\nfile = ["a"]',
]


def loads(text: str, folder: Path) -> bool:
    file = folder / "a.toml"
    file.write_text(text)
    try:
        load(urls=["https://a.example"], file=file, flags={}, environ={})
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_is_loaded_is_valid(text: str, tmp_path: Path) -> None:
    assert loads(text, tmp_path)
    assert [] == [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_is_not(text: str, tmp_path: Path) -> None:
    assert not loads(text, tmp_path)
    assert not VALIDATOR.is_valid(tomllib.loads(text))


def test_the_example_names_the_schema_first_and_is_valid_with_every_setting() -> None:
    text = (ROOT / "config.example.toml").read_text()
    active = re.sub(r"^#(?=[a-z\[])", "", text, flags=re.MULTILINE)

    assert "#:schema ./authproxy.schema.json" == text.splitlines()[0]
    assert [] == [error.message for error in VALIDATOR.iter_errors(tomllib.loads(active))]


def test_the_schema_beside_the_example_is_up_to_date() -> None:
    """Or else: python scripts/settings_doc.py --write"""
    assert f"{as_json()}\n" == (ROOT / "authproxy.schema.json").read_text()


def test_it_is_a_schema_that_explains_each_setting() -> None:
    made = json.loads(as_json())
    Draft7Validator.check_schema(made)

    service = made["properties"]["services"]["additionalProperties"]["properties"]
    assert [] == [name for name, each in service.items() if not each.get("description")]


def test_old_names_are_valid_and_marked_as_such() -> None:
    every = OldName(old=("services", "*", "address"), new=("services", "*", "url"), since="0.2.0")
    table = OldName(old=("tracing", "send"), new=("traces", "export"), since="0.2.0")
    tables = OldName(old=("backends", "*", "url"), new=("services", "*", "url"), since="0.3.0")
    made = schema([every, table, tables])

    for text in (
        '[services.a]\naddress = "https://a.example"',
        '[tracing]\nsend = "on"',
        '[backends.b]\nurl = "https://b.example"',
    ):
        assert Draft7Validator(made).is_valid(tomllib.loads(text))
        assert not VALIDATOR.is_valid(tomllib.loads(text))
    assert not Draft7Validator(made).is_valid({"backends": {"b": {"nonsense": 1}}})
    service = made["properties"]["services"]["additionalProperties"]["properties"]
    assert {
        "description": "Since 0.2.0: url in [services.NAME].",
        "deprecated": True,
    } == service["address"]
