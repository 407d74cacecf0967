"""What is said once requests are taken."""

import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest

from authproxy.runtime.ready_lines import NAMES_TOLD, announce, tell_egress
from authproxy.values import EgressProxy
from tests.support.configuring import URL, settings


class Lines:
    """Stands in for the log's stream."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        self.text += "|"


def test_each_listener_has_a_line_and_the_admin_listener_the_last() -> None:
    found, lines = settings(urls=[URL]), Lines()
    opened = [("http://127.0.0.1:8080", found.every_listener[0])]
    announce(opened, found, cast(Any, lines))
    announce(opened, found, cast(Any, lines), "http://127.0.0.1:4040")

    first = f"authproxy: http://127.0.0.1:8080 -> {URL}\n"
    assert f"{first}|{first}authproxy: admin: http://127.0.0.1:4040\n|" == lines.text


def test_services_behind_one_proxy_are_named_in_one_line_and_not_all_of_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    proxy = EgressProxy(scheme="http", host="proxy.example", port=3128, source="HTTPS_PROXY")
    there, direct = SimpleNamespace(proxy=proxy), None
    names = [f"s{number}" for number in range(NAMES_TOLD + 1)]
    upstreams = {
        name: SimpleNamespace(connector=SimpleNamespace(egress=egress))
        for name, egress in [*((each, there) for each in names), ("direct", direct)]
    }
    with caplog.at_level(logging.INFO):
        tell_egress(cast(Any, upstreams))

    said = ", ".join(names[:NAMES_TOLD])
    line = f"egress proxy http://proxy.example:3128 (named by HTTPS_PROXY) for {said} …"
    assert [line] == caplog.messages
