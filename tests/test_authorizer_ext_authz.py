"""Envoy's messages, as they are read and written."""

from typing import Any

import pytest

from authproxy.authorizer.decisions import Granted
from authproxy.authorizer.envoy_messages import OVERWRITE_IF_EXISTS_OR_ADD, CheckRequest
from authproxy.authorizer.ext_authz import granted_response, read_check, refused_response
from authproxy.errors import Code, Refused
from authproxy.exchange import make_field


def check(client: str = "192.0.2.1", **more: str) -> Any:
    request = CheckRequest()
    request.attributes.source.address.socket_address.address = client
    http = request.attributes.request.http
    http.method, http.path, http.host, http.scheme = "POST", "/a?b", "billing.example.com", "https"
    own = {":path": "/a?b", "x-own": "kept", "content-length": "5"}
    for name, value in (own | more).items():
        http.headers.add(key=name.replace("_", "-"), value=value)
    return request


def test_the_client_is_whom_envoy_has_found_and_not_whom_fields_name() -> None:
    asked = check(x_forwarded_for="10.0.0.1", forwarded="for=10.0.0.1", x_forwarded_uri="/other")

    head = read_check(asked)

    assert (b"POST", b"/a?b") == (head.method, head.target)
    assert [
        (b"host", b"billing.example.com"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-for", b"192.0.2.1"),
        (b"content-length", b"5"),
        (b"x-own", b"kept"),
    ] == [(name, value) for name, value, _ in (*head.headers[:3], *sorted(head.headers[3:]))]


def test_fields_that_envoy_has_as_they_came_are_read_too() -> None:
    asked = check()
    http = asked.attributes.request.http
    del http.headers[:]
    for name, value in ((":path", b"/a?b"), ("origin", b"https://evil.example"), ("host", b"x")):
        http.header_map.headers.add(key=name, raw_value=value)
    http.header_map.headers.add(key="x-own", value="kept")

    head = read_check(asked)

    assert [(b"origin", b"https://evil.example"), (b"x-own", b"kept")] == [
        (name, value) for name, value, _ in head.headers[3:]
    ]


def test_a_client_without_an_address_is_nobody() -> None:
    with pytest.raises(Refused, match="X-Forwarded-For is missing"):
        read_check(check(client=""))


def test_a_yes_says_what_to_put_on_and_what_to_take_away() -> None:
    granted = Granted(
        service="a",
        origin="https://a.example",
        authority="a.example",
        target=b"/",
        principal="me@x.example",
        key="ci",
        request_id="id-1",
        fields=(make_field(b"Authorization", b"Bearer t"),),
        removed=(b"x-api-key",),
        cors=(make_field(b"Vary", b"Origin"),),
    )

    response = granted_response(granted)

    [option] = response.ok_response.headers
    assert 0 == response.status.code
    assert ("authorization", "Bearer t") == (option.header.key, option.header.value)
    assert OVERWRITE_IF_EXISTS_OR_ADD == option.append_action
    removed = list(response.ok_response.headers_to_remove)
    assert ["forwarded", "x-api-key", "x-forwarded-method", "x-forwarded-uri"] == removed
    assert "vary" == response.ok_response.response_headers_to_add[0].header.key
    assert "me@x.example" == response.dynamic_metadata.fields["principal"].string_value
    assert "Bearer" not in str(response.dynamic_metadata)


@pytest.mark.parametrize("code", Code)
def test_no_refusal_lets_the_request_pass(code: Code) -> None:
    response = refused_response(Refused("No.", code=code), None, "id-1")

    assert response.status.code != 0
    assert response.denied_response.status.code >= 400
    assert not response.HasField("ok_response")
    assert "id-1" in response.denied_response.body


def test_whom_envoy_has_found_behind_its_peer_is_the_client() -> None:
    head = read_check(check(client="127.0.0.1", x_forwarded_for="10.0.0.1"), "192.0.2.9")

    assert [b"192.0.2.9"] == [
        value for name, value, _ in head.headers if name == b"x-forwarded-for"
    ]
