import pytest

from tests.support.configuring import URL, problems, settings


@pytest.mark.parametrize(
    ("environ", "listen", "expected"),
    [
        ({}, (), ["localhost:8080"]),
        ({"PORT": "9000"}, (), ["localhost:9000"]),
        ({"PORT": " "}, (), ["localhost:8080"]),
        ({"PORT": "9000"}, ("127.0.0.1", "::1", "8081"), None),
        ({"PORT": "0"}, ("127.0.0.1",), ["127.0.0.1:0"]),
        ({"PORT": "nonsense"}, ("8081", "unix:/s"), ["localhost:8081", "unix:/s"]),
    ],
)
def test_a_listener_without_a_port_gets_the_one_of_the_platform(
    environ: dict[str, str], listen: tuple[str, ...], expected: list[str] | None
) -> None:
    found = settings(urls=[URL], flags={"--listen": listen}, environ=environ)

    assert (expected or ["127.0.0.1:9000", "[::1]:9000", "localhost:8081"]) == [
        str(one) for one in found.listen
    ]


@pytest.mark.parametrize("port", ["http", "70000", "-1", "123456"])
def test_a_port_of_the_platform_that_is_none_is_a_problem(port: str) -> None:
    assert [
        "environment: PORT: must be a number from 0 to 65535: the port to listen on"
    ] == problems(urls=[URL], environ={"PORT": port})


def test_a_wrong_value_does_not_hide_a_contradiction() -> None:
    found = problems(
        urls=[URL, "b=ftp://b"],
        environ={"AUTHPROXY_LOG_LEVEL": "loud"},
        flags={"--listen": ("0.0.0.0:80",), "--credentials": "none", "--impersonate": "a@b.c"},
    )

    assert ["AUTHPROXY_LOG_LEVEL", "URL", "--listen", "--impersonate"] == [
        line.split(": ")[1] for line in found
    ]


def test_a_wrong_allowlist_is_not_a_missing_one() -> None:
    [problem] = problems(urls=[URL], flags={"--listen": ("0.0.0.0",), "--allow": ("10/8",)})

    assert problem.startswith('command line: --allow: "10/8" is not an address')
