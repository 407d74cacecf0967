"""SETTINGS are read, and kept small."""

from authproxy.wire.http2.settings import read_settings, tame_settings

TABLE_64_KIB = b"\x00\x01\x00\x01\x00\x00"


def test_last_value_of_a_setting_counts() -> None:
    assert {1: 65536, 3: 5} == read_settings(
        b"\x00\x01\x00\x00\x00\x00" + b"\x00\x03\x00\x00\x00\x05" + TABLE_64_KIB
    )


def test_huge_tables_and_extended_connect_are_not_announced() -> None:
    other = b"\x00\x04\xff\xff\xff\xff"
    announced = b"\x00\x01\xff\xff\xff\xff" + other + b"\x00\x08\x00\x00\x00\x01"

    assert TABLE_64_KIB + other + b"\x00\x08\x00\x00\x00\x00" == tame_settings(announced)


def test_small_tables_pass() -> None:
    assert b"\x00\x01\x00\x00\x00\x00" == tame_settings(b"\x00\x01\x00\x00\x00\x00")
