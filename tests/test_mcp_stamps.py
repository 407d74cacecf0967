"""The SDK's own functions are the judge: servers built on it compare by them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.inbound import (
    decode_header_value,
    encode_header_value,
    mcp_param_headers,
    x_mcp_header_map,
)

from authproxy.mcp.messages import Message, write_message
from authproxy.mcp.stamps import Stamps, encode

VERSION = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": VERSION}
SCHEMA = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry"},
        "inner": {
            "type": "object",
            "properties": {"n": {"type": "integer", "x-mcp-header": "N"}},
        },
        "plain": {"type": "string"},
    },
}


def call(name: str, **arguments: Any) -> Message:
    params = {"name": name, "arguments": arguments, "_meta": META}
    return write_message(id=1, method="tools/call", params=params)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_value_is_written_as_the_sdk_does(text: str) -> None:
    assert encode_header_value(text) == encode(text)
    assert text == decode_header_value(encode(text))


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("tools/call", {"name": "add"}, "add"),
        ("prompts/get", {"name": "höhe"}, "=?base64?aMO2aGU=?="),
        ("resources/read", {"uri": "file:///a b"}, "file:///a b"),
        ("tools/list", {"name": "add"}, None),
        ("tools/call", {"name": 3}, None),
    ],
)
def test_a_message_is_repeated_in_its_fields(
    method: str, params: dict[str, Any], name: str | None
) -> None:
    message = write_message(id=1, method=method, params={**params, "_meta": META})
    named = {} if name is None else {"Mcp-Name": name}

    expected = {"MCP-Protocol-Version": VERSION, "Mcp-Method": method, **named}
    assert expected == Stamps().fields(message)


ARGUMENTS: list[dict[str, Any]] = [
    {"region": "eu", "dry": True, "inner": {"n": 4}, "plain": "x"},
    {"region": "", "dry": False},
    {"inner": {"n": -1.5}},
    {"inner": 3, "region": None},
    {"region": ["a"], "dry": "ä"},
    {},
]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_marked_arguments_are_repeated_as_the_sdk_does(arguments: dict[str, Any]) -> None:
    stamps = Stamps()
    tools = [{"name": "deploy", "inputSchema": SCHEMA}]
    stamps.note_tools(write_message(id=1, result={"tools": tools}))

    fields = stamps.fields(call("deploy", **arguments))

    expected = mcp_param_headers(x_mcp_header_map(SCHEMA), arguments)
    assert expected == {k: v for k, v in fields.items() if k.startswith("Mcp-Param-")}


@pytest.mark.parametrize(
    "result",
    [None, {"tools": 3}, {"tools": [3, {"name": 3}]}, {"tools": [{"name": "a"}]}, [], "text"],
)
def test_an_odd_list_of_tools_marks_nothing(result: Any) -> None:
    stamps = Stamps()
    stamps.note_tools(write_message(id=1, result=result))

    assert "Mcp-Name" in stamps.fields(call("a", region="x"))
    assert 3 == len(stamps.fields(call("a", region="x")))


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", 3, "ä"])
def test_a_mark_that_is_no_name_of_a_field_is_left_out(token: object) -> None:
    schema = {"properties": {"region": {"type": "string", "x-mcp-header": token}}}
    stamps = Stamps()
    stamps.note_tools(write_message(id=1, result={"tools": [{"name": "a", "inputSchema": schema}]}))

    assert 3 == len(stamps.fields(call("a", region="x")))


def test_a_schema_without_a_bottom_ends() -> None:
    schema: dict[str, Any] = {}
    inner = schema
    for _ in range(100):
        inner["properties"] = {"a": {}}
        inner = inner["properties"]["a"]
    stamps = Stamps()

    stamps.note_tools(write_message(id=1, result={"tools": [{"name": "a", "inputSchema": schema}]}))

    assert "<Stamps [1 tools]>" == repr(stamps)
