import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.inspector.redaction.structured import redact_json
from tests.support.recorded import redactor

SECRET = "s3cr3t-of-a-test"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"
ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in SECRET)

DOCUMENTS = {
    "a member": f'{{"token": "{SECRET}", "page": 7}}',
    "its name escaped": f'{{"to\\u006ben": "{SECRET}", "page": 7}}',
    "its value escaped": f'{{"token": "{ESCAPED}", "page": 7}}',
    "nested": f'{{"a": [{{"b": {{"apiKey": "{SECRET}"}}}}], "page": 7}}',
    "all below a name": f'{{"credentials": {{"a": {{"b": ["{SECRET}"]}}}}, "page": 7}}',
    "a quote too many": f'{{"size": 5", "token": "{SECRET} and more", "page": 7}}',
    "a shape anywhere": f'{{"said": "look: {JWT}", "page": 7}}',
    "JSON in a string": json.dumps({"inner": json.dumps({"password": SECRET}), "page": 7}),
    "a URL in a string": f'{{"url": "https://h/?code={SECRET}", "page": 7}}',
    "a number": '{"pin": 94857261, "page": 7}',
    "an array": f'[{{"secret": "{SECRET}"}}, {{"page": 7}}]',
    "lines": f'{{"page": 7}}\n{{"token": "{SECRET}"}}\n',
    "a name that is one": f'{{"{JWT}": 1, "page": 7}}',
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_json_is_kept_without_its_secrets(document: str) -> None:
    kept = redact_json(redactor(), document.encode()).decode()

    assert "[redacted:" in kept

    assert '"page": 7' in kept
    assert not any(each in kept for each in (SECRET, JWT, ESCAPED, "94857261"))


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_json_cut_off_anywhere_gives_no_secret_away(document: str) -> None:
    wholes = [each for each in (SECRET, JWT, ESCAPED, "94857261") if each in document]
    for end in range(len(document)):
        kept = redact_json(redactor(), document[:end].encode()).decode()

        assert not any(whole[:12] in kept for whole in wholes), document[:end]


def test_json_without_a_secret_is_kept_byte_for_byte() -> None:
    document = b'{ "a" : [1,2 , 3.10], "b":"x" }'

    assert document == redact_json(redactor(), document)


def test_codes_of_errors_stay_numbers() -> None:
    document = b'{"error": {"code": -32000, "message": "token is missing"}}'

    assert {"error": {"code": -32000, "message": "token is missing"}} == json.loads(
        redact_json(redactor(), document)
    )


def test_json_deeper_than_anybody_writes_is_read_without_a_fault() -> None:
    deep = b'{"token":' * 100_000

    assert len(redact_json(redactor(), deep)) < 200


@given(st.binary(max_size=200))
def test_any_bytes_can_be_taken_for_json(data: bytes) -> None:
    redact_json(redactor(), data)
    redact_json(redactor(), b'{"token": "' + data)


SIZE = 128 * 1024
SLOW = {
    "escaped quotes": b'{"token": "a", "' + b'\\"' * (SIZE // 2),
    "escaped quotes, closed": b'{"token": "a", "' + b'\\"' * (SIZE // 2) + b'"',
    "quotes": b'{"token' + b'"' * SIZE,
    "a long word": b"{token=a " + b"a" * SIZE,
    "escapes of URLs": b"{token=a " + b"%3" * (SIZE // 2),
    "pairs within pairs": b"{token=a " + b"a:" * (SIZE // 2),
    "brackets": b"[" * SIZE + b"token",
    "colons far away": b'{"token": "a", ' + (b'"a"' + b" " * 1000) * (SIZE // 1003),
    "elements without an end": b"{token=a " + (b"<a " + b" " * 990) * (SIZE // 993),
    "schemes": b"{token=a Bearer" + b"%20" * (SIZE // 3),
    "user names without a host": b"{token=a ://" + b"a:" * (SIZE // 2),
}


@pytest.mark.parametrize("document", SLOW.values(), ids=SLOW)
def test_no_text_can_be_made_to_hold_up_the_loop(document: bytes) -> None:
    """Each takes a tenth of a second at most; one that is read in squares takes minutes."""
    before = time.process_time()

    for kept in (redact_json(redactor(), document), redactor().text(document)):
        assert kept

    assert time.process_time() - before < 5
