"""What the demo prints."""

import shlex
import sys
from pathlib import Path

from authproxy.demo.guide import Guide


def guide(**environ: str) -> Guide:
    return Guide(
        service="https://localhost:4433",
        ca_file=Path("/tmp/with space/ca.pem"),
        token_life_s=60,
        environ=environ,
    )


def commands(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def test_commands_for_a_tcp_listener() -> None:
    text = guide().text(["unix:/run/a.sock", "http://127.0.0.1:8080", "http://[::1]:8080"])

    assert [
        "curl -i --cacert '/tmp/with space/ca.pem' https://localhost:4433/whoami",
        "curl -i http://127.0.0.1:8080/whoami",
        "http://127.0.0.1:8080/",
        "curl 'http://127.0.0.1:8080/echo?a=1'",
        "curl --http2-prior-knowledge -i http://127.0.0.1:8080/whoami",
        "curl -N http://127.0.0.1:8080/clock",
        f"echo hello | {shlex.quote(sys.executable)} -m authproxy.demo.talk ws://127.0.0.1:8080/ws",
        "head -c 67108864 /dev/zero | curl -T - http://127.0.0.1:8080/upload",
        "curl -o /dev/null 'http://127.0.0.1:8080/download?bytes=67108864'",
        "while sleep 5; do curl -sS http://127.0.0.1:8080/whoami || break; done",
        f"{shlex.quote(sys.executable)} -m authproxy status --open",
        f"{shlex.quote(sys.executable)} -m authproxy tail",
        f"{shlex.quote(sys.executable)} -m authproxy status",
    ] == commands(text)
    assert "tokens live 60 s here" in text


def test_commands_for_a_unix_socket() -> None:
    text = guide().text(["unix:/run/a b.sock"])

    assert "curl --unix-socket '/run/a b.sock' -i http://localhost/whoami" in commands(text)
    assert "the same in a browser" not in text
    assert "WebSocket" not in text


def test_brackets_are_quoted_for_the_shell() -> None:
    text = guide().text(["http://[::1]:8080"])

    assert "curl -i 'http://[::1]:8080/whoami'" in commands(text)
    assert "http://[::1]:8080/" in commands(text)


def test_proxy_of_the_shell_is_bypassed() -> None:
    text = guide(HTTPS_PROXY="http://proxy.example:3128").text(["http://127.0.0.1:8080"])

    assert "curl --noproxy '*' -i http://127.0.0.1:8080/whoami" in commands(text)


def test_empty_proxy_variable_is_none() -> None:
    assert "noproxy" not in guide(HTTPS_PROXY="").text(["http://127.0.0.1:8080"])
