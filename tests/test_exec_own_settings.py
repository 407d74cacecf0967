import os

from authproxy.config.loading import load
from authproxy.exec.own_settings import FORWARD, ExecOptions, for_command
from authproxy.settings import Settings

URLS = ["api=https://a.example/v1", "billing=https://b.example"]


def settings() -> Settings:
    return load(urls=URLS, file=None, flags={}, environ={"AUTHPROXY_SERVICES_API_PATH": "/api"})


def test_each_service_is_at_the_root_of_a_free_port_for_ones_own_user() -> None:
    own = for_command(settings(), ExecOptions())

    assert () == own.listen
    assert ["api", "billing"] == [each.service for each in own.listeners.values()]
    assert {("127.0.0.1", 0)} == {
        (each.listen.host, each.listen.port) for each in own.listeners.values()
    }
    assert {(os.getuid(),)} == {each.peer_uids for each in own.listeners.values()}
    assert own.services["api"].path is None
    assert "/v1" == own.services["api"].url.path


def test_tools_that_take_a_proxy_get_a_listener_for_all_services() -> None:
    own = for_command(settings(), ExecOptions(forward_proxy=True))

    assert [FORWARD] == [name for name, each in own.listeners.items() if each.service is None]


def test_other_users_are_let_in_if_asked_for() -> None:
    own = for_command(settings(), ExecOptions(any_user=True))

    assert {()} == {each.peer_uids for each in own.listeners.values()}
