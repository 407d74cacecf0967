"""What the file says; tests/e2e/test_export.py has Caddy read it, and sends requests."""

from pathlib import Path

import pytest

from authproxy.export.caddy import block, handle, word
from tests.support.exporting import REST, TOP, written


def test_the_file_fails_closed(tmp_path: Path) -> None:
    text = written(tmp_path, "caddy")

    # Before each way to a service, in the same route, the question and the look at its answer.
    for before in text.split("reverse_proxy https://billing")[:-1]:
        place = before.rpartition("route {")[2]
        assert "forward_auth 127.0.0.1:9191" in place
        assert "_by_name not header X-Authproxy-Service billing" in place
        assert "_by_name 500" in place


def test_what_clients_say_in_the_authorizers_name_is_removed(tmp_path: Path) -> None:
    text = written(tmp_path, "caddy", TOP + REST + 'token_header = "X-Token"\n')

    assert "request_header -X-Authproxy-Service" in text
    assert "request_header -X-Token" in text
    assert "request_header -Authorization" not in text


def test_addresses_on_one_port_are_one_site(tmp_path: Path) -> None:
    text = written(tmp_path, "caddy", TOP.replace("127.0.0.1:8080", "localhost:8080") + REST)

    assert "http://:8080 {\n\tbind 127.0.0.1 [::1]\n\timport authproxy\n}" in text


@pytest.mark.parametrize(
    ("text", "quoted"),
    [('a "b" \\c', '`a "b" \\c`'), ('a`b "c"', '"a`b \\"c\\""')],
)
def test_a_word_is_closed_by_no_value(text: str, quoted: str) -> None:
    assert quoted == word(text)


def test_a_word_that_no_quotes_hold_is_none() -> None:
    with pytest.raises(ValueError, match="in one word"):
        word("a`\\b")


def test_blocks_are_indented_and_kept_in_order() -> None:
    assert ["{", "\ta", "}"] == block("", ["a"])
    assert ["handle @a {", "\troute {", "\t\tb", "\t}", "}"] == handle("@a", ["b"])
