import json
from typing import Any

from authproxy.inspector.bodies.grpc_texts import MOST_KNOWN, MessageTexts, called
from authproxy.inspector.protobuf.descriptions import Descriptions
from tests.support.grpc_service import FILES, NAME, Account
from tests.support.recorded import redactor

SECRET = "hunter2-hunter2"
TARGET = f"/{NAME}/Get".encode()


def described() -> Descriptions:
    known = Descriptions()
    for file in FILES:
        known.add(file)
    return known


def read(texts: MessageTexts, message: Any, target: bytes = TARGET) -> Any:
    data = message.SerializeToString()
    return json.loads(texts.read("billing", target, data, is_request=True))


def test_named_fields_are_redacted_as_members_of_json_are() -> None:
    texts = MessageTexts(redactor())
    texts.learn("billing", NAME, described())
    message = Account(name="Ada", password=SECRET, pin=4711)
    message.labels["api_key"] = "k3y-k3y-k3y"
    message.parent.name = "ya29." + "a" * 40
    message.parent.parent.name = f"Ada and her {SECRET}"
    found = read(texts, message)
    shown = json.dumps(found)

    assert "Ada" == found["name"]
    assert found["parent"]["parent"]["name"].startswith("Ada and her [redacted:")
    assert "[redacted:" == found["password"][:10] == found["pin"][:10]
    assert [] == [each for each in (SECRET, "4711", "k3y-", "ya29.a") if each in shown]


def test_without_a_description_no_text_is_kept() -> None:
    texts = MessageTexts(redactor())
    texts.learn("billing", "shop.v1.Others", described())

    for target in (TARGET, f"/{NAME}/Unheard".encode(), b"/", b"*"):
        found = read(texts, Account(name="Ada", password=SECRET), target)
        assert "text of 3 " == found["#1"].partition("[")[0]
        assert SECRET not in json.dumps(found)


def test_what_is_no_message_is_nothing() -> None:
    assert "" == MessageTexts(redactor()).read("billing", TARGET, b"no message", is_request=True)


def test_a_call_is_known_below_a_path_too() -> None:
    assert (NAME, "Get") == called(b"/below/shop.v1.Accounts/Get?x=/y/z")
    assert ("", "*") == called(b"*")


def test_the_oldest_descriptions_are_forgotten() -> None:
    texts = MessageTexts(redactor())
    for number in range(MOST_KNOWN + 1):
        texts.learn("billing", f"s{number}", Descriptions())

    assert (False, True) == (texts.knows("billing", "s0"), texts.knows("billing", "s1"))
