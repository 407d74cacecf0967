import json

import pytest

from authproxy.inspector.protobuf.outline import outline
from authproxy.inspector.protobuf.scanning import NotProtobuf
from tests.support.grpc_service import Account
from tests.support.recorded import redactor

DIGEST = redactor().digest


def test_fields_are_told_by_number_and_length_without_what_they_say() -> None:
    message = Account(
        name="hunter2-hunter2", pin=4711, kind=2, photo=b"\xff\x00", ratio=0.5, is_open=True
    )
    message.parent.name = "hunter2-hunter2"
    found = outline(message.SerializeToString(), DIGEST)
    shown = json.dumps(found)

    assert (2, 1) == (found["#3"], found["#9"])
    assert found["#1"].startswith("text of 15 [redacted:")
    assert found["#1"] == found["#5"]["#1"], "equal ones can be told"
    assert found["#7"].startswith("bytes of 2 ")
    assert found["#8"].startswith("64 bits ")
    assert found["#12"].startswith("number [redacted:")
    assert "hunter" not in shown
    assert "4711" not in shown


def test_fields_that_come_again_are_a_list() -> None:
    assert {"#1": [1, 2, 3]} == outline(b"\x08\1\x08\2\x08\3", DIGEST)


def test_it_is_bounded_in_length_and_depth() -> None:
    data = b""
    while len(data) < 16_000:
        data = b"\x0a" + _size(data) + data + b"\xf8\x01\xff\x01"
    assert len(json.dumps(outline(data, DIGEST))) < 200_000
    assert "the rest is not shown" == outline(b"\x08\1" * 5000, DIGEST)["…"]


def _size(data: bytes) -> bytes:
    size, found = len(data), b""
    while size > 0x7F:
        found, size = found + bytes([size & 0x7F | 0x80]), size >> 7
    return found + bytes([size])


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(NotProtobuf):
        outline(b"no message", DIGEST)
