from typing import Any

from authproxy.mcp.messages import Message, write_message
from authproxy.mcp.session import Session

BEGIN = write_message(id=1, method="initialize", params={"capabilities": {"roots": {}}})


def agreed(version: str = "2025-11-25", **capabilities: Any) -> Message:
    result = {"protocolVersion": version, "capabilities": capabilities}
    return write_message(id=1, result=result)


def begun(**capabilities: Any) -> Session:
    session = Session()
    session.begin(BEGIN, agreed(**capabilities))
    return session


def test_a_session_begins_with_the_servers_answer() -> None:
    session = Session()
    assert (False, 0, None) == (session.has_begun, session.number, session.again("x"))

    session.begin(BEGIN, write_message(id=1, error={"code": 1, "message": "no"}))
    assert not session.has_begun

    session.begin(BEGIN, agreed())
    assert (True, 1, "2025-11-25") == (session.has_begun, session.number, session.version)
    assert "<Session 1 [2025-11-25]>" == repr(session)


def test_it_begins_again_as_the_client_began_it() -> None:
    session = begun()
    again = session.again("authproxy-1")

    assert again is not None
    assert {**BEGIN.parts[0], "id": "authproxy-1"} == again.parts[0]

    session.begin_again(agreed("2025-06-18"))
    assert (2, "2025-06-18") == (session.number, session.version)


def test_messages_name_the_protocol_that_was_agreed_on() -> None:
    session = begun()

    assert {} == session.fields(BEGIN)
    assert {"MCP-Protocol-Version": "2025-11-25"} == session.fields(
        write_message(id=2, method="ping")
    )
    assert {} == Session().fields(write_message(id=2, method="ping"))


def test_what_lasts_is_repeated() -> None:
    session = begun()
    for level in ("debug", "info"):
        session.note(write_message(id=2, method="logging/setLevel", params={"level": level}))
    for uri in ("a:b", "a:c"):
        session.note(write_message(id=3, method="resources/subscribe", params={"uri": uri}))
    session.note(write_message(id=4, method="resources/unsubscribe", params={"uri": "a:b"}))
    session.note(write_message(id=5, method="tools/list"))

    repeated = [message.params for message in session.repeated]
    assert [{"level": "info"}, {"uri": "a:c"}] == repeated

    session.begin(BEGIN, agreed())
    assert () == session.repeated


def test_the_client_is_told_of_what_may_have_changed() -> None:
    session = begun(tools={"listChanged": True}, prompts={"listChanged": False}, resources=3)

    assert ["notifications/tools/list_changed"] == [each.method for each in session.changes]
