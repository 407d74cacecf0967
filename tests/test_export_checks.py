import json
from pathlib import Path

import pytest
import trustme

from authproxy.config.readers.setting_names import PATHS
from authproxy.export.checks import key_of
from authproxy.export.coverage import COVERAGE, ENGINES, By, EngineName
from tests.support.exporting import REST, TOP, refusals

every_engine = pytest.mark.parametrize("engine", ENGINES)

VALUES = {
    "allow_origins": '["https://a.example"]',
    "health_path": '"/healthz"',
    "listeners.*.listen": '"127.0.0.1:8081"',
    "listeners.*.service": '"billing"',
    "listeners.*.allow": '["127.0.0.1"]',
    "listeners.*.allow_file": '"list"',
    "listeners.*.deny": '["127.0.0.1"]',
    "listeners.*.deny_file": '"list"',
    "listeners.*.proxy_protocol": "true",
    "listeners.*.proxy_local": '"forward"',
    "listeners.*.peer_uids": "[0]",
    "listeners.*.socket_mode": '"0660"',
    "services.*.service": '"p-project/europe-west1/billing"',
    "services.*.tag": '"canary"',
    "services.*.other_urls": '["https://other.example"]',
    "services.*.allow_origins": '["https://a.example"]',
    "services.*.mcp": "true",
    "services.*.tls_min_version": '"1.3"',
    "services.*.egress_proxy": '"http://127.0.0.1:3128"',
    "services.*.record_bodies": "true",
}
"""One that asks for something; the others are numbers."""


@every_engine
def test_a_configuration_that_asks_for_nothing_else_is_taken(
    engine: EngineName, tmp_path: Path
) -> None:
    assert [] == refusals(tmp_path, engine, TOP + REST)


@every_engine
@pytest.mark.parametrize("path", PATHS, ids=key_of)
def test_what_the_engine_cannot_do_is_refused_by_name(
    engine: EngineName, path: tuple[str, ...], tmp_path: Path
) -> None:
    key, row = key_of(path), COVERAGE[key_of(path)]
    if row.by[engine] is not By.NOBODY:
        return
    (tmp_path / "list").write_text("127.0.0.1\n")
    line = f"{path[-1]} = {VALUES.get(key, '2000')}\n"
    if path[0] == "services":
        text = TOP + REST + line
        if key.endswith(".tag"):
            text += 'service = "p-project/europe-west1/billing"\n'
        if "service =" in text:
            text = text.replace('url = "https://billing-abc.a.run.app"\n', "")
    elif path[0] == "listeners":
        more = "" if path[-1] == "listen" else 'listen = "127.0.0.1:8081"\n'
        text = TOP + REST + f"[listeners.x]\n{more}{line}"
    elif len(path) == 2:
        text = TOP + REST + f"[{path[0]}]\n{line}"
    else:
        text = TOP + line + REST

    said = refusals(tmp_path, engine, text)

    where = key.replace("*", "x" if path[0] == "listeners" else "billing")
    number = text.splitlines().index(line.strip()) + 1
    wanted = f"authproxy.toml:{number}: {where}: cannot be exported for {engine}; {row.advice}"
    assert wanted in said


@every_engine
def test_everything_that_is_wrong_is_said_at_once(engine: EngineName, tmp_path: Path) -> None:
    service = '[services.a]\nurl = "https://a.example"\n'
    text = f'listen = ["unix:/run/a.sock"]\nhealth_path = "/h"\n{service}'

    said = refusals(tmp_path, engine, text)

    form, port = ("grpc", 9192) if engine == "envoy" else ("listen", 9191)
    assert {
        f"defaults: authorizer.{form}: is missing: {engine} has to ask authproxy about each"
        f' request; write [authorizer] with {form} = "127.0.0.1:{port}"',
        "authproxy.toml:1: listen: unix:/run/a.sock cannot be exported: an engine's clients are"
        " known by their addresses; write an address and a port",
        f"authproxy.toml:2: health_path: cannot be exported for {engine}; leave it out, and let the"
        " engine answer its own health checks",
    } == set(said)


@every_engine
def test_values_that_ask_for_nothing_are_taken(engine: EngineName, tmp_path: Path) -> None:
    more = 'mcp = false\nrecord_bodies = false\negress_proxy = "none"\ntotal_timeout = 0\n'
    text = (
        TOP + "allow_origins = []\n" + REST + more + "[limits]\nbody_bytes = 0\nconnections = 0\n"
    )

    assert [] == refusals(tmp_path, engine, text)


@every_engine
def test_a_port_that_changes_is_refused(engine: EngineName, tmp_path: Path) -> None:
    text = (TOP + REST).replace(":8080", ":0")

    assert [
        "authproxy.toml:1: listen: needs a port that stays the same; write one in place of 0"
    ] == refusals(tmp_path, engine, text)


@every_engine
def test_the_way_through_an_egress_proxy_is_refused(engine: EngineName, tmp_path: Path) -> None:
    [said] = refusals(tmp_path, engine, 'egress_proxy = "http://127.0.0.1:3128"\n' + TOP + REST)

    assert said.startswith("authproxy.toml:1: egress_proxy: the way to this service is through")


def test_envoy_is_given_addresses_and_no_names(tmp_path: Path) -> None:
    text = (TOP + REST).replace("127.0.0.1:8080", "gw.internal:8080")
    text = text.replace("trusted_proxies", 'allow = ["10.0.0.0/8"]\ntrusted_proxies')

    assert [
        "authproxy.toml:1: listen: is a name, and Envoy needs an address; write it as in 127.0.0.1"
    ] == refusals(tmp_path, "envoy", text)


@pytest.mark.parametrize("engine", ["nginx", "caddy"])
def test_names_that_cannot_be_taken_from_an_answer_are_refused(
    engine: EngineName, tmp_path: Path
) -> None:
    text = TOP + REST + 'add_headers = ["X_Own: a"]\n'

    [said] = refusals(tmp_path, engine, text)

    assert f"X_Own cannot be taken from an answer by {engine}" in said


@pytest.mark.parametrize("name", ["X.Own", "X-$a", "!x"])
def test_names_that_nginx_does_not_find_are_refused_where_it_is_to_take_them_away(
    name: str, tmp_path: Path
) -> None:
    keys = f'[keys.a]\nsha256 = "{"0" * 64}"\n'
    removed = TOP + REST + f'remove_headers = ["X_Fine", "{name}"]\n'
    shown = f'key_header = "{name}"\n' + TOP + REST + keys

    for text, where in [(removed, "services.billing.remove_headers"), (shown, "key_header")]:
        [said] = refusals(tmp_path, "nginx", text)
        assert f": {where}: {name} cannot be taken away by nginx" in said
        assert [] == refusals(tmp_path, "caddy", text)
        assert [] == refusals(tmp_path, "envoy", text)


def test_caddy_puts_no_path_before_another(tmp_path: Path) -> None:
    [said] = refusals(tmp_path, "caddy", TOP + REST.replace("run.app", "run.app/base"))

    assert said.startswith("authproxy.toml:7: services.billing.url: a path in the address cannot")


@pytest.mark.parametrize(
    ("engine", "name"), [("nginx", "a$b"), ("caddy", "a{b"), ("caddy", "a`\\b"), ("envoy", "a\tb")]
)
def test_a_files_name_that_the_engine_would_read_otherwise_is_refused(
    engine: EngineName, name: str, tmp_path: Path
) -> None:
    authority = trustme.CA()
    (tmp_path / name).write_bytes(authority.cert_pem.bytes())
    text = TOP + REST + f"ca_file = {json.dumps(name)}\n"

    [said] = refusals(tmp_path, engine, text)

    assert f"{engine} cannot be given a file whose name has" in said
