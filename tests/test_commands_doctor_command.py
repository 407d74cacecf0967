import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from authproxy.commands.doctor.command import nowhere, run
from authproxy.commands.doctor.subject import NOWHERE
from authproxy.identity.machine import Machine
from tests.support.configuring import settings

DEAD = {"GCE_METADATA_HOST": "127.0.0.1:9", "PATH": "/proc/nowhere"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, (NOWHERE,)),
        ({"AUTHPROXY_URL": "", "AUTHPROXY_LISTEN": "80"}, (NOWHERE,)),
        ({"AUTHPROXY_URL": "https://a"}, ()),
        ({"AUTHPROXY_CONFIG": "a.toml"}, ()),
        ({"AUTHPROXY_SERVICES_A_URL": "https://a"}, ()),
    ],
)
def test_nothing_is_examined_as_a_service_where_none_is_named(
    environ: Mapping[str, str], expected: tuple[str, ...]
) -> None:
    assert expected == nowhere(None, environ)
    assert () == nowhere(Path("a.toml"), environ)


def told(*, as_json: bool, terminal: bool, **environ: str) -> tuple[int, str]:
    """Of a machine that has nothing, and reaches nobody."""
    said: list[str] = []
    found = settings(
        urls=[f"a={NOWHERE}"], flags={"--egress-proxy": "http://127.0.0.1:9"}, environ=environ
    )
    machine = Machine({**DEAD, **environ})
    code = run(found, ["a"], machine, json=as_json, terminal=terminal, say=said.append)
    [text] = said
    return code, text


@pytest.mark.parametrize(
    ("terminal", "environ", "coloured"),
    [(False, {}, False), (True, {}, True), (True, {"NO_COLOR": "1"}, False)],
)
def test_colours_are_for_terminals(
    environ: Mapping[str, str], *, terminal: bool, coloured: bool
) -> None:
    code, text = told(as_json=False, terminal=terminal, **environ)

    assert (13, coloured) == (code, "\x1b[31m" in text)
    assert "no credentials were found on this machine" in text


def test_json_is_one_object() -> None:
    code, text = told(as_json=True, terminal=True)

    assert (13, 13) == (code, json.loads(text)["exit_code"])
