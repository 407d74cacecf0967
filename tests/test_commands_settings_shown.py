import json

from authproxy.commands.settings_shown import as_json, changed, shown
from authproxy.errors import Problem
from authproxy.values import parse_credentials
from tests.support.configuring import URL, settings

ENVIRON = {
    "AUTHPROXY_METHODS": "GET",
    "AUTHPROXY_TIMEOUTS_CONNECT": "2.5",
    "AUTHPROXY_LISTENERS_LOCAL_LISTEN": "unix:/a",
    "AUTHPROXY_LISTENERS_LOCAL_SOCKET_MODE": "0660",
    "AUTHPROXY_SECRET_HEADERS": "X-Key: env:KEY",
    "AUTHPROXY_CREDENTIALS": "command:vault read -token=hunter2",
    "KEY": "hunter2",
}


def test_what_differs_from_the_defaults_is_shown_as_one_would_write_it() -> None:
    found = settings(urls=[URL], environ=ENVIRON)

    assert {"connect": "2.5"} == changed(found.timeouts)
    assert {"socket mode": "0660"} == changed(found.listeners["local"], besides=("listen",))
    assert "GET" == changed(found.services["billing"])["methods"]
    assert ("yes", "a, b", "none") == (shown(True), shown(("a", "b")), shown(()))
    assert "command:vault …" == shown(parse_credentials("command:vault read"))


def test_everything_is_there_as_json_and_no_secret() -> None:
    found = json.loads(as_json(settings(urls=[URL], environ=ENVIRON), (), (), ENVIRON))

    assert ["ok", "problems", "warnings", "settings", "changed", "services"] == list(found)
    assert "hunter2" not in json.dumps(found)
    assert [
        "listen",
        "listeners.local.listen",
        "listeners.local.socket_mode",
        "services.billing.url",
        "services.billing.credentials",
        "services.billing.secret_headers",
        "services.billing.methods",
        "timeouts.connect",
    ] == found["changed"]
    assert {
        "address": URL,
        "audience": URL,
        "token_header": "auto",
        "egress_proxy": None,
    } == found["services"]["billing"]


def test_problems_have_their_places() -> None:
    problem = Problem(where="a.toml:3", key="allow", message="is odd")

    found = json.loads(as_json(None, [problem], (), {}))

    assert (False, None) == (found["ok"], found["settings"])
    assert [{"where": "a.toml:3", "key": "allow", "message": "is odd"}] == found["problems"]
