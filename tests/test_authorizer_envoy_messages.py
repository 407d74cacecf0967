"""Envoy's messages on the wire; tests/e2e/test_authorizer.py has what Envoy makes of them."""

from authproxy.authorizer.envoy_messages import MESSAGES, CheckRequest, CheckResponse


def test_a_request_is_read_as_envoy_writes_it() -> None:
    """Field 1 (attributes), in it 4 (request), in it 2 (http): 2 is the method, 3 a map."""
    entry = b"\x0a\x01a\x12\x01b"
    http = b"\x12\x03GET\x1a" + bytes([len(entry)]) + entry + b"\x22\x02/x"
    written = http
    for field in (2, 4, 1):
        written = bytes([field << 3 | 2, len(written)]) + written

    found = CheckRequest.FromString(written).attributes.request.http

    assert ("GET", "/x") == (found.method, found.path)
    assert [("a", "b")] == [(each.key, each.value) for each in found.headers]


def test_a_response_is_written_as_envoy_reads_it() -> None:
    response = CheckResponse()
    response.status.code = 7
    response.denied_response.status.code = 403
    response.denied_response.body = "no"

    assert b"\x0a\x02\x08\x07\x12\x09\x0a\x03\x08\x93\x03\x1a\x02no" == response.SerializeToString()


def test_no_two_fields_of_a_message_have_one_number() -> None:
    for fields in MESSAGES.values():
        assert len(fields) == len({number for number, _ in fields.values()})
