"""What Google, its files and what stands in its place say."""

import io
import json
import tempfile
from pathlib import Path

from authproxy.errors import CredentialError
from authproxy.exchange import ResponseHead, make_field
from authproxy.identity.apart.pipe_frames import BrokenFrameError, framed, read_frame
from authproxy.identity.claims import read_claims, token_from_jwt
from authproxy.identity.google.credentials import kind_of, read_info
from authproxy.policy.google.cloud_run import find_place, is_run_app
from authproxy.policy.google.rejection import (
    is_scaling_up,
    is_token_rejection,
    judge,
    suspect,
)
from fuzz.targets.target import Target, holds, may_raise, same, text

_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")


def claims(data: bytes) -> None:
    """A token with an end, or an error without what was given."""
    given = text(data)
    try:
        holds(isinstance(read_claims(given, "the source"), dict), "claims that are no object")
    except CredentialError as error:
        secret = given if len(given) > 20 else "\0"
        holds(secret not in f"{error}{error.hint}", "the error repeats what was given")
        return
    with may_raise(CredentialError):
        token = token_from_jwt(given, source="the source", audience="https://a.example", now=1e9)
        holds(token.expires_at > 1e9, "a token that is over")
        holds("\n" not in token.principal, "a principal of two lines")


def credential_files(data: bytes) -> None:
    path = Path(_FOLDER.name) / "key.json"
    path.write_bytes(data)
    with may_raise(CredentialError):
        kind_of(read_info(path, "the file"), "the file")


def rejections(data: bytes) -> None:
    """A status in three digits, a line of fields each, an empty line, a body."""
    head, _, body = data.partition(b"\n\n")
    status, *lines = head.split(b"\n")
    number = int(status[:3]) if status[:3].isdigit() else 401
    fields = [make_field(*line.partition(b": ")[::2]) for line in lines]
    found = judge(number, fields, body, path=b"/a")
    if found is not None and not any(
        name == b"x-goog-iap-generated-response" for name, _, _ in fields
    ):
        by_head = suspect(number, fields)
        is_plain = is_token_rejection(ResponseHead(number, b"", fields))
        holds(is_plain or by_head is not None, "a rejection that nobody has suspected")
    is_scaling_up(ResponseHead(number, b"", fields))


def run_hosts(data: bytes) -> None:
    host = text(data)
    place = find_place(host)
    holds(not place.service or is_run_app(host), "a service of Cloud Run at another host")
    holds(place.service in host and place.tag in host, "a name that is not in the host")


def pipe_frames(data: bytes) -> None:
    """What is read is what would be written."""
    with may_raise(BrokenFrameError):
        message = read_frame(io.BytesIO(data))
        if message is not None:
            same(message, read_frame(io.BytesIO(framed(message))), "a frame, written and read")


_PAGE = (
    b"401\nserver: Google Frontend\ncontent-type: text/html; charset=UTF-8\n\n"
    b"<html><head>\n<title>401 Unauthorized</title></head><h1>Error: Unauthorized</h1>"
)
_JSON = b'{"aud": "https://a.example", "exp": 2000000000, "email": "a@b"}'
TARGETS = {
    "claims": Target(
        play=claims,
        modules=("identity.claims",),
        seeds=(
            b"e30.eyJhdWQiOiAiaHR0cHM6Ly9hLmV4YW1wbGUiLCAiZXhwIjogMjAwMDAwMDAwMH0.c2ln",
            b"e30.eyJleHAiOiAxZTMwOX0.c2ln",
            b"ya29.access",
            b"<html>",
        ),
    ),
    "credential_files": Target(
        play=credential_files,
        modules=("identity.google.credentials",),
        seeds=(
            b'{"type": "service_account", "client_email": "a@b"}',
            b'{"type": "authorized_user"}',
            b'{"type": ["external_account"]}',
            b"[" * 20_000,
            _JSON,
        ),
    ),
    "rejections": Target(
        play=rejections,
        modules=("policy.google.rejection",),
        seeds=(
            _PAGE,
            _PAGE.replace(b"401", b"403"),
            b"401\nx-goog-iap-generated-response: true\n\nInvalid IAP credentials: empty token",
            b"429\nserver: Google Frontend\ncontent-type: text/html\n\nRate exceeded.",
        ),
    ),
    "run_hosts": Target(
        play=run_hosts,
        modules=("policy.google.cloud_run",),
        seeds=(
            b"billing-abc123xyz0-ew.a.run.app",
            b"tag---billing-123456789012.europe-west1.run.app",
        ),
    ),
    "pipe_frames": Target(
        play=pipe_frames,
        modules=("identity.apart.pipe_frames",),
        seeds=(framed({"a": [1, "b"]}), framed(json.loads(_JSON)), b"\0\0\0\2[]", b"\xff" * 4),
    ),
}
