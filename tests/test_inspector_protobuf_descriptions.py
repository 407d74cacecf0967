import pytest

from authproxy.inspector.protobuf.descriptions import Descriptions
from authproxy.inspector.protobuf.scanning import NotProtobuf
from tests.support.grpc_service import ANY_FILE, FILES


def test_files_say_what_methods_take_and_what_fields_are_called() -> None:
    known = Descriptions()
    for file in (*FILES, ANY_FILE, ANY_FILE):
        known.add(file)

    account = known.messages["shop.v1.Account"]
    assert ("shop.v1.Account", "shop.v1.Account") == known.methods["shop.v1.Accounts/Get"]
    assert ("kind", "shop.v1.Kind") == (account.fields[3].name, account.fields[3].type_name)
    assert (True, False) == (account.fields[4].is_repeated, account.fields[1].is_repeated)
    assert [13] == [number for number, each in account.fields.items() if each.is_secret]
    assert known.messages["shop.v1.Account.LabelsEntry"].is_entry
    assert "BUSINESS" == known.enums["shop.v1.Kind"][2]
    assert [] == known.missing()


def test_imports_that_have_not_come_are_missing() -> None:
    known = Descriptions()
    known.add(FILES[1])

    assert ["google/protobuf/any.proto", "shop/v1/kinds.proto"] == known.missing()


@pytest.mark.parametrize("file", [b"\x08", b"\x22\x05\x1a\x03\x1a\x01", b"\x22" + b"\xff" * 4])
def test_what_is_no_description_is_refused(file: bytes) -> None:
    with pytest.raises(NotProtobuf):
        Descriptions().add(file)


def test_types_within_types_end_somewhere() -> None:
    data = b""
    for _ in range(40):
        data = b"\x1a" + bytes([len(data) & 0x7F]) + data if len(data) < 120 else data
    with pytest.raises(NotProtobuf, match="without an end"):
        Descriptions().add(b"\x22" + bytes([len(data)]) + data)
