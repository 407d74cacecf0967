import json
from typing import Any

import pytest
from google.protobuf import any_pb2, json_format

from authproxy.inspector.protobuf.descriptions import Descriptions
from authproxy.inspector.protobuf.naming import named
from authproxy.inspector.protobuf.scanning import NotProtobuf
from tests.support.grpc_service import ANY_FILE, FILES, POOL, Account
from tests.support.recorded import redactor

DIGEST = redactor().digest


def read(data: bytes) -> Any:
    known = Descriptions()
    for file in (*FILES, ANY_FILE):
        known.add(file)
    return named(known, "shop.v1.Account", data, DIGEST)


def test_a_message_has_its_names_as_googles_own_library_gives_them() -> None:
    message = Account(
        name="Ada ❤",
        kind=2,
        scores=[-1, 0, 300],
        labels={"a": "b", "c": "d"},
        ratio=-2.5,
        is_open=True,
        balance=-5,
        stamps=[1, 2**63],
    )
    message.parent.parent.name = "x"
    expected = json_format.MessageToDict(message, preserving_proto_field_name=True)
    found = read(message.SerializeToString())
    found["balance"] = str(found["balance"])  # JSON of Protocol Buffers has large numbers as texts
    found["stamps"] = [str(each) for each in found["stamps"]]

    assert expected == found


def test_a_message_in_an_any_is_read_by_its_type() -> None:
    inner = any_pb2.Any(type_url="type.googleapis.com/shop.v1.Account")
    inner.value = Account(name="inner").SerializeToString()
    message = Account.FromString(b"\x5a" + bytes([inner.ByteSize()]) + inner.SerializeToString())

    assert {"name": "inner"} == read(message.SerializeToString())["more"]["value"]
    assert POOL is not None


def test_what_its_author_wants_redacted_is_a_digest() -> None:
    assert (
        "[redacted:" == read(Account(remark="hunter2-hunter2").SerializeToString())["remark"][:10]
    )


def test_bytes_are_told_by_their_length_only() -> None:
    found = read(Account(photo=b"hunter2-hunter2").SerializeToString())["photo"]
    assert found.startswith("text of 15 [redacted:")


def test_a_field_without_a_name_or_of_another_type_is_outlined() -> None:
    found = read(b"\xa0\x06\x07" + b"\x08\x05")

    assert {"#100": 7, "#1": 5} == found


def test_numbers_that_json_has_not_are_texts() -> None:
    found = read(Account(ratio=float("inf")).SerializeToString())
    assert '{"ratio": "inf"}' == json.dumps(found, allow_nan=False)


def test_it_is_bounded() -> None:
    data = Account(scores=range(5000)).SerializeToString()
    assert len(read(data)["scores"]) < 1001
    deep = Account()
    inner = deep
    for _ in range(80):
        inner = inner.parent
        inner.pin = 1
    assert json.dumps(read(deep.SerializeToString())).count("parent") <= 30


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(NotProtobuf):
        read(b"\x0a\x10abc")
