import pytest

from authproxy.inspector.protobuf.scanning import (
    EIGHT,
    FOUR,
    GROUP,
    LENGTH,
    VARINT,
    NotProtobuf,
    packed,
    scan,
)


def test_each_field_has_number_type_and_value() -> None:
    data = b"\x08\x96\x01" + b"\x12\x07testing" + b"\x1d\x01\0\0\0" + b"\x21" + b"\1" * 8
    assert [
        (1, VARINT, 150),
        (2, LENGTH, b"testing"),
        (3, FOUR, b"\x01\0\0\0"),
        (4, EIGHT, b"\1" * 8),
    ] == list(scan(data))


def test_a_group_is_what_is_between_its_two_ends() -> None:
    inner = b"\x0b\x08\x01\x0c"  # a group 1 within group 1
    assert [(1, GROUP, inner), (2, VARINT, 5)] == list(scan(b"\x0b" + inner + b"\x0c\x10\x05"))


def test_a_hundred_thousand_groups_in_each_other_are_no_recursion() -> None:
    deep = 100_000
    ((_, _, inner),) = scan(b"\x0b" * deep + b"\x0c" * deep)
    assert isinstance(inner, bytes)
    assert 2 * (deep - 1) == len(inner)


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x12\x05abc",
        b"\x1d\0\0",
        b"\x00\x01",
        b"\x0e\x01",
        b"\x0c",
        b"\x0b\x08\x01",
        b"\x0b\x14",
        b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(NotProtobuf):
        list(scan(data))


def test_packed_values_come_one_by_one() -> None:
    assert [3, 270, 86942] == list(packed(b"\x03\x8e\x02\x9e\xa7\x05", VARINT))
    assert [b"\1\0\0\0", b"\2\0\0\0"] == list(packed(b"\1\0\0\0\2\0\0\0", FOUR))
    with pytest.raises(NotProtobuf):
        list(packed(b"\1\0\0", FOUR))
