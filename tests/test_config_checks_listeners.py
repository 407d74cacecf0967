from pathlib import Path

import pytest

from tests.support.configuring import URL, problems, settings, warnings


def write(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "authproxy.toml"
    file.write_text(content)
    return file


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "127.a.example:80"])
def test_a_listener_that_others_reach_needs_an_allowlist(listen: str) -> None:
    assert [
        f"command line: --listen: {listen} can be reached from other machines, and nothing"
        ' says which of them may use it; write allow = ["10.0.0.0/8"] or --allow 10.0.0.0/8 with'
        " your clients' addresses, or listen on this machine only: --listen localhost:80"
    ] == problems(urls=[URL], flags={"--listen": (listen,)})


KEYS = f'[keys.ci]\nsha256 = "{"a" * 64}"\n[services.a]\nurl = "https://a"\n'


@pytest.mark.parametrize(
    ("above", "environ"),
    [
        ('listen = "0.0.0.0:80"\n', {}),
        ('listen = "0.0.0.0:80"\n', {"K_SERVICE": "gateway"}),
        ("", {"AUTHPROXY_LISTEN": "0.0.0.0:80"}),
    ],
)
def test_keys_alone_let_no_other_machine_in(
    tmp_path: Path, above: str, environ: dict[str, str]
) -> None:
    file = write(tmp_path, above + KEYS)

    [warning] = warnings(file=file, environ=environ)

    assert "0.0.0.0:80 can be reached from other machines, and all of them are refused" in warning
    assert 'allow = ["0.0.0.0/0", "::/0"]' in warning


@pytest.mark.parametrize(
    "above",
    ["", 'listen = "0.0.0.0"\nallow = ["0.0.0.0/0", "::/0"]\n', 'listen = "unix:/run/a"\n'],
)
def test_where_keys_can_be_shown_nothing_is_said(tmp_path: Path, above: str) -> None:
    file = write(tmp_path, above + KEYS)

    assert [] == warnings(file=file, environ={"K_SERVICE": "gateway"})


def test_an_allowlist_opens_a_listener() -> None:
    assert [] == problems(urls=[URL], flags={"--listen": ("0.0.0.0",), "--allow": ("10.0.0.0/8",)})


def test_a_services_own_allowlist_does_not_open_a_listener(tmp_path: Path) -> None:
    file = write(tmp_path, '[services.a]\nurl = "https://a"\nallow = ["10.0.0.0/8"]\n')

    [problem] = problems(file=file, flags={"--listen": ("0.0.0.0",)})

    assert problem.startswith("command line: --listen: 0.0.0.0:8080 can be reached")


def test_an_allowlist_with_nobody_on_it_is_a_problem(tmp_path: Path) -> None:
    file = write(tmp_path, "allow = []\n")

    assert [
        "authproxy.toml:1: allow: is empty, so that nobody could connect; leave it out to allow"
        ' this machine only, or write allow = ["10.0.0.0/8"] with your clients\' addresses'
    ] == problems(file=file, urls=[URL])


@pytest.mark.parametrize(
    ("listen", "sentence"),
    [
        (("8080", "localhost:8080"), "localhost:8080 is listed twice; remove one of them"),
        (
            ("localhost:80", "127.0.0.1:80"),
            "127.0.0.1:80 is a part of localhost:80; remove one of them",
        ),
        (("localhost", "8080"), "localhost:8080 is listed twice; remove one of them"),
        (("unix:/a", "unix:/a"), "unix:/a is listed twice; remove one of them"),
    ],
)
def test_two_listeners_on_one_address_are_a_problem(listen: tuple[str, ...], sentence: str) -> None:
    assert [f"command line: --listen: {sentence}"] == problems(
        urls=[URL], flags={"--listen": listen}
    )


def test_any_free_port_may_be_asked_for_twice() -> None:
    assert 2 == len(settings(urls=[URL], flags={"--listen": ("0", "0")}).listen)


def test_a_listener_with_an_allowlist_of_its_own_may_be_open(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[listeners.lan]\nlisten = "0.0.0.0:81"\nallow = ["10.0.0.0/8"]\nservice = "billing"\n',
    )
    found = settings(file=file, urls=[URL])

    assert ((), ["0.0.0.0:81"]) == (found.listen, [str(e.listen) for e in found.every_listener])


def test_listeners_get_their_port_and_stand_beside_those_that_were_listed(tmp_path: Path) -> None:
    file = write(tmp_path, '[listeners.a]\nlisten = "localhost"\n')
    found = settings(file=file, urls=[URL], flags={"--listen": ("81",)}, environ={"PORT": "82"})

    assert ["localhost:81", "localhost:82"] == [str(e.listen) for e in found.every_listener]


def test_what_is_wrong_with_a_listener_is_said_with_its_line(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        'listen = "81"\n[listeners.a]\nlisten = "localhost:81"\n[listeners.b]\n'
        'listen = "0.0.0.0:82"\n'
        '[listeners.c]\nlisten = "83"\nservice = "biling"\n[listeners.d]\nservice = "billing"\n',
    )

    assert [
        "authproxy.toml:3: listeners.a.listen: localhost:81 is listed twice; remove one of them",
        "authproxy.toml:5: listeners.b.listen: 0.0.0.0:82 can be reached from other machines, and"
        ' nothing says which of them may use it; write allow = ["10.0.0.0/8"] or --allow 10.0.0.0/8'
        " with your clients' addresses, or listen on this machine only: --listen localhost:82",
        'authproxy.toml:8: listeners.c.service: there is no service "biling"; did you mean'
        ' "billing"?; there are billing',
        'authproxy.toml:9: listeners.d: the listener "d" has no address; write'
        ' listen = "localhost:8081"',
    ] == problems(file=file, urls=[URL])


@pytest.mark.parametrize("other", ["127.0.0.1:80", "0.0.0.0:80", "[::]:80", "192.0.2.1:80"])
def test_what_takes_all_addresses_leaves_none(other: str) -> None:
    listen = ("[::]:80", other)

    [problem] = problems(urls=[URL], flags={"--listen": listen, "--allow": ("10.0.0.0/8",)})

    assert problem.endswith("; remove one of them")


def test_listeners_on_other_ports_and_addresses_stand_beside_each_other() -> None:
    listen = ("127.0.0.1:80", "127.0.0.2:80", "[::1]:80", "81", "unix:/a", "unix:/b")

    assert [] == problems(urls=[URL], flags={"--listen": listen})


def test_a_sockets_file_says_who_may_connect_and_an_address_does_not(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[listeners.a]\nlisten = "unix:/a"\nallow = "10.0.0.0/8"\nsocket_mode = "0666"\n'
        '[listeners.b]\nlisten = "unix:@b"\nsocket_mode = "0666"\n',
    )

    assert [
        "authproxy.toml:3: listeners.a.allow: has no effect: the clients of a Unix socket have no"
        " address; socket_mode and peer_uids say who may connect",
        "authproxy.toml:4: listeners.a.socket_mode: 0666 lets every user of this machine use your"
        ' identity; add peer_uids, or write "0660" for a group',
        "authproxy.toml:7: listeners.b.socket_mode: has no effect: an abstract socket has no file;"
        " peer_uids says who may connect",
    ] == warnings(file=file, urls=[URL])
