"""What is said of text that is nearly an address."""

import pytest

from authproxy.values import parse_host_name, parse_listen, parse_origin
from authproxy.values.mistakes import advice_for_host, advice_for_scheme, advice_for_url


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("localhost:3000", "write http://localhost:3000"),
        ("127.0.0.1:3000", "write http://127.0.0.1:3000"),
        ("a.run.app", "write https://a.run.app"),
        ("a.example:8443/x", "write https://a.example:8443"),
        ("//a.run.app", "write https://a.run.app"),
        ("https//a.run.app", "a colon is missing: write https://a.run.app"),
        ("HTTP//localhost:1", "a colon is missing: write http://localhost:1"),
        ("https;//a.run.app", "a colon is missing: write https://a.run.app"),
        ("https:/a.run.app", "two slashes belong behind the colon: write https://a.run.app"),
        ("https:a.run.app", "two slashes belong behind the colon: write https://a.run.app"),
    ],
)
def test_what_is_nearly_a_url_is_written_out(text: str, advice: str) -> None:
    assert advice == advice_for_url(text)
    with pytest.raises(ValueError, match="is not a URL; "):
        parse_origin(text)


@pytest.mark.parametrize(
    ("scheme", "advice"),
    [
        ("wss", "; write https://a"),
        ("htps", "; write https://a"),
        ("ws", "; write https://a"),
        ("grpc", "; write https://a"),
        ("ftp", ""),
    ],
)
def test_a_scheme_of_the_same_server_is_translated(scheme: str, advice: str) -> None:
    assert advice == advice_for_scheme(scheme, "a/x")


def test_only_this_machine_is_spoken_to_without_tls() -> None:
    assert "; write http://localhost:50051" == advice_for_scheme("grpc", "localhost:50051")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("http://Proxy.example:80/", ": proxy.example"),
        ("proxy:80", ": proxy"),
        ("*.example", "; each name by itself, without *"),
        ("", ""),
    ],
)
def test_a_host_is_found_in_what_is_around_it(text: str, advice: str) -> None:
    assert advice == advice_for_host(text)
    with pytest.raises(ValueError, match="is not a host name"):
        parse_host_name(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "abc",
            '"abc" is no address; write HOST:PORT, PORT, [IPV6]:PORT or unix:PATH; abc:8080 if it'
            " is a name of this machine",
        ),
        ("http://localhost:80", '"http://localhost:80" is not an address; write localhost:80'),
        (
            "https://x:1/",
            '"https://x:1/" is not an address; write x:1; tls_cert_file makes it https',
        ),
        ("unix://run/x", '"unix://run/x" is not an address; write unix:/run/x'),
        ("/run/x", '"/run/x" is not an address; write unix:/run/x for a Unix socket'),
        ("-1", '"-1" is not a port; write a number from 0 to 65535'),
        (
            "::1:8080",
            '"::1:8080" can be read in two ways; write [::1]:8080 for a port, [::1:8080] without',
        ),
    ],
)
def test_what_is_nearly_an_address_to_listen_on_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        parse_listen(text)

    assert sentence == str(caught.value)
