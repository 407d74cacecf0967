import os
import socket
from collections.abc import Sequence

import pytest

from authproxy.errors import ConfigError
from authproxy.runtime.open_sockets import OpenSockets
from authproxy.settings import Settings
from authproxy.workers.configuration import Configuration, GivenSockets
from tests.support.configuring import URL, settings


def configured(*listen: str) -> tuple[Settings, Configuration, Sequence[socket.socket]]:
    found = settings(urls=[URL], flags={"--listen": listen})
    plan = OpenSockets().plan(found)
    return found, Configuration(settings=found, sockets=plan.sockets), plan.new


def names(sockets: Sequence[socket.socket]) -> list[object]:
    return [sock.getsockname() for sock in sockets]


def test_settings_come_as_they_were_and_each_listener_gets_its_sockets() -> None:
    sent, configuration, opened = configured("127.0.0.1:0", "localhost:0", "127.0.0.1:0")
    given = GivenSockets()
    came = given.take(configuration.message(), [os.dup(each) for each in configuration.descriptors])
    own: list[socket.socket] = []
    for listener in came.every_listener:
        own += given.open(listener, own)

    assert sent == came
    assert came.model_fields_set == sent.model_fields_set | {"authorizer"}  # which is the parent's
    assert names(opened) == names(own)
    assert not any(sock.get_inheritable() or sock.getblocking() for sock in own)
    for sock in (*opened, *own):
        sock.close()


def test_what_is_open_already_is_not_given_again() -> None:
    _, configuration, opened = configured("127.0.0.1:0", "127.0.0.1:0")
    given = GivenSockets()
    came = given.take(configuration.message(), [os.dup(each) for each in configuration.descriptors])
    [second] = given.open(came.every_listener[0], opened[:1])

    assert opened[1].getsockname() == second.getsockname()
    assert "<GivenSockets [1 listeners]>" == repr(given)
    given.close()
    assert "<GivenSockets [0 listeners]>" == repr(given)
    for sock in (*opened, second):
        sock.close()


def test_more_sockets_than_one_message_carries_are_refused() -> None:
    found = settings(urls=[URL])
    with socket.socket() as sock:
        configuration = Configuration(settings=found, sockets=[[sock] * 249])

        with pytest.raises(ConfigError, match="there are 249 listening sockets"):
            configuration.check()
