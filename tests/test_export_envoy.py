"""What the file says; tests/e2e/test_export.py has Envoy read it, and sends requests."""

import json
from pathlib import Path
from typing import Any

from tests.support.exporting import REST, TOP, written


def read(folder: Path, text: str = TOP + REST) -> Any:
    lines = written(folder, "envoy", text).splitlines()
    return json.loads("\n".join(line for line in lines if not line.startswith("#")))


def manager(whole: Any) -> Any:
    [listener] = whole["static_resources"]["listeners"]
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def test_the_file_fails_closed(tmp_path: Path) -> None:
    filters = {each["name"]: each for each in manager(read(tmp_path))["http_filters"]}
    asked = filters["envoy.filters.http.ext_authz"]["typed_config"]

    assert asked["failure_mode_allow"] is False
    assert {"action": "ALLOW", "policies": {}} == filters["authproxy.service"]["typed_config"][
        "rules"
    ]


def test_each_route_is_for_answers_about_its_service(tmp_path: Path) -> None:
    hosts = manager(read(tmp_path))["route_config"]["virtual_hosts"]
    routes = [route for host in hosts for route in host["routes"] if "route" in route]

    assert 2 == len(routes)
    for route in routes:
        rules = route["typed_per_filter_config"]["authproxy.service"]["rbac"]["rules"]
        assert "ALLOW" == rules["action"]
        assert '"exact": "billing"' in json.dumps(rules)


def test_what_clients_say_to_envoy_itself_is_removed(tmp_path: Path) -> None:
    [first] = manager(read(tmp_path))["early_header_mutation_extensions"]

    assert {"remove": "x-envoy-retry-on"} in first["typed_config"]["mutations"]


def test_a_path_is_taken_off_and_another_put_before_it(tmp_path: Path) -> None:
    text = (TOP + REST).replace("run.app", "run.app/base")
    hosts = manager(read(tmp_path, text + 'path = "/a.b"\nstrip_path = true\n'))["route_config"]
    moved = [
        route["route"]["regex_rewrite"]
        for host in hosts["virtual_hosts"]
        for route in host["routes"]
        if "route" in route
    ]

    assert [
        {"pattern": {"regex": "^/?"}, "substitution": "/base/"},
        {"pattern": {"regex": "^/a\\.b/?"}, "substitution": "/base/"},
    ] == moved


def test_each_address_has_a_listener(tmp_path: Path) -> None:
    whole = read(tmp_path, TOP.replace("127.0.0.1:8080", "localhost:8080") + REST)

    places = [each["address"]["socket_address"] for each in whole["static_resources"]["listeners"]]
    assert ["127.0.0.1", "::1"] == [each["address"] for each in places]
