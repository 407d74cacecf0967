from pathlib import Path

import pytest

from authproxy.export.coverage import ENGINES, EngineName
from authproxy.export.plan import make_plan
from authproxy.policy.messages.headers import HOP_BY_HOP
from tests.support.exporting import REST, TOP, loaded, planned

TWO = REST + '[services.web]\nurl = "https://web-abc.a.run.app"\n'


def test_a_service_is_known_by_its_names_and_by_its_own_host(tmp_path: Path) -> None:
    plan = planned(tmp_path, "nginx", TOP + REST + 'hosts = ["b.example"]\n')

    assert ("billing.localhost", "b.example", "billing-abc.a.run.app") == plan.services[0].hosts


def test_a_host_that_two_services_have_leads_to_neither(tmp_path: Path) -> None:
    text = TOP + TWO.replace("https://web-abc", "https://billing-abc").replace("abc.a", "abc.a")

    plan = planned(tmp_path, "nginx", text)

    assert [("billing.localhost",), ("web.localhost",)] == [each.hosts for each in plan.services]


def test_a_single_service_gets_all_paths_unless_it_has_one(tmp_path: Path) -> None:
    assert {"/": "billing"} == planned(tmp_path, "nginx").prefixes
    assert {"/b": "billing"} == planned(tmp_path, "nginx", TOP + REST + 'path = "/b"\n').prefixes


def test_of_several_services_none_gets_what_nobody_has(tmp_path: Path) -> None:
    assert {} == planned(tmp_path, "nginx", TOP + TWO).prefixes


def test_the_longest_beginning_of_a_path_comes_first(tmp_path: Path) -> None:
    text = TOP + TWO.replace("[services.web]", 'path = "/a"\n[services.web]\npath = "/a/b"')

    assert ["/a/b", "/a"] == list(planned(tmp_path, "nginx", text).prefixes)


def test_a_file_of_addresses_leaves_the_list_to_the_authorizer(tmp_path: Path) -> None:
    (tmp_path / "allow.txt").write_text("10.0.0.0/8\n")

    plan = planned(tmp_path, "nginx", 'allow_file = "allow.txt"\n' + TOP + REST)

    assert plan.lists.allow is None


def test_fields_that_are_put_on_are_not_taken_away(tmp_path: Path) -> None:
    more = 'token_header = "X-Token"\nadd_headers = ["X-Env: a"]\nremove_headers = ["X-Debug"]\n'
    [service] = planned(tmp_path, "nginx", TOP + REST + more).services

    assert ("Authorization", "X-Serverless-Authorization", "X-Token") == service.token_fields
    assert "X-Env" in service.put_on
    put_on = {each.lower() for each in (*service.token_fields, *service.put_on)}
    assert set() == put_on & set(service.taken_away)
    assert {"x-debug", "x_debug", "x_token", "x_env", "forwarded"} <= set(service.taken_away)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_clients_say_to_a_proxy_does_not_reach_services(
    engine: EngineName, tmp_path: Path
) -> None:
    [service] = planned(tmp_path, engine).services

    said = {each.decode() for each in HOP_BY_HOP}
    by_itself = {"connection", "te", "transfer-encoding", "upgrade"}
    assert said - by_itself <= set(service.taken_away)
    assert set() == by_itself & set(service.taken_away)


def test_keys_do_not_reach_services(tmp_path: Path) -> None:
    keys = f'[keys.a]\nsha256 = "{"0" * 64}"\n'
    [service] = planned(tmp_path, "nginx", 'key_header = "X-K"\n' + TOP + REST + keys).services

    assert {"x-k", "x_k"} <= set(service.taken_away)


def test_the_engine_waits_longer_than_a_token_may_take(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "nginx", TOP + REST + "[timeouts]\ntoken = 7\n")

    assert make_plan(settings, "nginx").question_s > 7


def test_each_engine_asks_where_it_can(tmp_path: Path) -> None:
    assert 9191 == planned(tmp_path, "nginx").authorizer.port
    assert 9192 == planned(tmp_path, "envoy").authorizer.port
