from dataclasses import replace

from authproxy.exchange import NO_TOKEN, Secret
from authproxy.inspector.recording.token_notes import REMEMBERED, TokenNotes
from tests.support.jwt import unsigned_jwt
from tests.support.proxying import make_token


def test_token_says_who_it_is_for_and_is_not_kept() -> None:
    text = unsigned_jwt(aud="https://a", email="a@b.example", exp=4e9, odd="x", sub="1")
    token = make_token(text)

    note = TokenNotes().note(token)

    assert note is not None
    shown = {"aud": "https://a", "email": "a@b.example", "exp": 4e9, "sub": "1"}
    assert shown.items() <= note.claims.items()
    assert "odd" not in note.claims
    assert ("test", 4e9) == (note.source, note.expires_at)
    assert text not in repr(note)
    assert not hasattr(note, "value")


def test_token_is_read_once() -> None:
    notes, token = TokenNotes(), make_token()

    assert notes.note(token) is notes.note(token)


def test_another_token_at_the_same_address_is_read_anew() -> None:
    notes, token = TokenNotes(), make_token()
    first = notes.note(token)
    other = replace(token, expires_at=5e9)
    assert first is not None

    assert not first.is_about(other)
    assert notes.note(other) is not first


def test_no_token_has_no_note() -> None:
    assert TokenNotes().note(NO_TOKEN) is None


def test_access_token_says_nothing_of_itself() -> None:
    note = TokenNotes().note(make_token("ya29.opaque-text"))

    assert note is not None
    assert {} == note.claims


def test_number_of_notes_is_bounded() -> None:
    notes = TokenNotes()
    tokens = [
        replace(make_token(), value=Secret(str(n)), issued_at=n) for n in range(3 * REMEMBERED)
    ]

    found = [notes.note(token) for token in tokens]

    assert 3 * REMEMBERED == len({id(each) for each in found})
    assert notes.note(tokens[0]) is not found[0]
