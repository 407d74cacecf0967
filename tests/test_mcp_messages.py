import json

import pytest

from authproxy.mcp.messages import read_message, with_id, write_error, write_message

CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"},"unknown":1e400}'


def test_a_message_passes_by_its_bytes() -> None:
    number = b'{"id":12345678901234567890123,"result":{"n":0.10,"e":"\\u00e4"},"x":null}'

    assert number == read_message(number).raw
    assert CALL == read_message(CALL).raw


def test_a_message_of_several_lines_becomes_one() -> None:
    message = read_message(b'{\r\n "method": "ping",\n "id": "a\\nb" }\n')

    assert b"\n" not in message.raw
    assert {"method": "ping", "id": "a\nb"} == json.loads(message.raw)


@pytest.mark.parametrize(
    ("text", "awaited", "answered"),
    [
        ('{"id": 1, "method": "m"}', ["1"], []),
        ('{"id": "1", "method": "m"}', ['"1"'], []),
        ('{"id": 1.5, "method": "m"}', ["1.5"], []),
        ('{"method": "m"}', [], []),
        ('{"id": null, "method": "m"}', [], []),
        ('{"id": 1, "result": {}}', [], ["1"]),
        ('{"id": null, "error": {}}', [], ["null"]),
        ('[{"id": 1, "method": "m"}, {"method": "n"}, {"id": 2, "method": "o"}]', ["1", "2"], []),
        ('[{"id": 1, "result": 3}, {"id": 2, "error": {}}]', [], ["1", "2"]),
    ],
)
def test_ids_are_told_apart_as_they_are_written(
    text: str, awaited: list[str], answered: list[str]
) -> None:
    message = read_message(text)

    assert (awaited, answered) == (list(message.awaited), list(message.answered))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("\xff", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("3", "it is not a JSON object"),
        ("[]", "it is not a JSON object"),
        ("[3]", "it is not a JSON object"),
        ("{}", "it has neither a method nor a result"),
        ('{"id": 3}', "it has neither a method nor a result"),
    ],
)
def test_what_is_no_message_says_why(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_message(text)


@pytest.mark.parametrize(
    ("params", "version"),
    [
        ({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}, "2026-07-28"),
        ({"_meta": {"io.modelcontextprotocol/protocolVersion": 3}}, ""),
        ({"_meta": []}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_a_request_names_its_protocol(params: object, version: str) -> None:
    assert version == write_message(id=1, method="ping", params=params).version


def test_only_what_changes_nothing_is_safe_to_ask_for_twice() -> None:
    assert write_message(id=1, method="tools/list").is_safe
    assert not write_message(id=1, method="tools/call").is_safe
    assert not write_message(id=1, method="nobody/knows").is_safe


def test_an_error_has_the_id_as_the_client_wrote_it() -> None:
    error = json.loads(write_error('"a"', {"code": -32000, "message": "no\nway"}))

    assert {"jsonrpc": "2.0", "id": "a", "error": {"code": -32000, "message": "no\nway"}} == error


def test_the_same_request_by_another_id() -> None:
    assert {**json.loads(CALL), "id": "b"} == with_id(read_message(CALL), "b").parts[0]
