"""An exchange as a command to paste, with `$(authproxy token …)` in the place of the token.

Every byte comes out of the shell as it went in: POSIX quotes for text, `printf` for what is none.
"""

import shlex

from authproxy.inspector.bodies.content import WholeBody
from authproxy.inspector.bodies.grpc_messages import GrpcMessages
from authproxy.inspector.recording.record import Record, Try

REDACTED = "[redacted:"
_OF_CURL = frozenset(
    {"host", "content-length", "content-encoding", "transfer-encoding", "connection"}
)
"""Fields that curl writes by itself; bodies are kept without their encoding."""


def snippets(record: Record) -> dict[str, str]:
    """`curl` and `python` ask the service itself, `local` asks authproxy.

    Empty where nothing was sent to the service.
    """
    last = record.tries[-1] if record.tries else None
    body = kept_body(record)
    found = {"local": _local(record, body), "curl": "", "python": "", "authproxy": ""}
    if last is not None:
        found["curl"] = _curl(last, body)
        found["python"] = _python(last, body)
        found["authproxy"] = f"authproxy token {shlex.quote(last.origin)}"
    return {name: text + note(record) if text else "" for name, text in found.items()}


def note(record: Record) -> str:
    """What the command lacks, as a comment."""
    lacks = missing(record)
    return f"\n# Not in it, since it was not kept: {', '.join(lacks)}" if lacks else ""


def missing(record: Record) -> list[str]:
    """What of the request was not kept as it was: names of fields, `query`, `body`."""
    names = [name for name, value in record.request.fields if REDACTED in value]
    if REDACTED.encode() in record.target:
        names.append("query")
    if kept_body(record) is None:
        names.append("body")
    return list(dict.fromkeys(names))


def kept_body(record: Record) -> bytes | None:
    """None when it was not kept as it was; empty when there was none."""
    if not record.facts.bytes_from_client:
        return b""
    kept = None if record.content is None else record.content.request
    if isinstance(kept, WholeBody):
        return kept.content if kept.can_be_sent else None
    return kept.empty_messages if isinstance(kept, GrpcMessages) else None


def _local(record: Record, body: bytes | None) -> str:
    host = record.facts.host.decode("latin-1") or "localhost"
    target = record.target.decode("latin-1")
    url = target if "://" in target else f"http://{host}{target}"
    return _command(record.method.decode("latin-1"), url, record.request.fields, [], body)


def _curl(each: Try, body: bytes | None) -> str:
    url = each.origin + each.target.decode("latin-1")
    token = []
    if each.token_name:
        prefix = f"{each.token_name.decode('latin-1')}: Bearer "
        token = [f'-H "{prefix}$(authproxy token {shlex.quote(each.origin)})"']
    return _command(each.method.decode("latin-1"), url, each.head.fields, token, body)


def _command(
    method: str, url: str, fields: list[tuple[str, str]], more: list[str], body: bytes | None
) -> str:
    parts = ["curl --globoff --path-as-is"]
    if method == "HEAD":
        parts.append("--head")
    elif method != ("POST" if body else "GET"):
        parts.append(f"-X {shlex.quote(method)}")
    parts.append(shlex.quote(url))
    present = set()
    for name, value in fields:
        present.add(name.lower())
        if name.lower() not in _OF_CURL:
            parts.append(f"-H {_header(name, value)}")
    parts += more
    lacking = ["accept", "user-agent", *(["content-type"] if body else [])]
    parts += [f"-H {name}:" for name in lacking if name not in present]
    before = ""
    if body:
        before, data = _data(body)
        parts.append(data)
    return before + " \\\n  ".join(parts)


def _header(name: str, value: str) -> str:
    if REDACTED in value:
        variable = "".join(c if c.isalnum() else "_" for c in name.upper())
        return f'"{name}: ${variable}"'
    return shlex.quote(f"{name}: {value}" if value else f"{name};")


def _data(body: bytes) -> tuple[str, str]:
    """What comes before the command, and its argument. `--data-raw` takes no `@` for a file."""
    if is_plain(body):
        return "", f"--data-raw {shlex.quote(body.decode())}"
    octal = "".join(f"\\{byte:03o}" for byte in body)
    return f"printf '{octal}' | ", "--data-binary @-"


def is_plain(body: bytes) -> bool:
    """Whether it is text without control characters, which may stand between quotes."""
    try:
        return all(char >= " " or char in "\n\t" for char in body.decode())
    except UnicodeDecodeError:
        return False


def _python(each: Try, body: bytes | None) -> str:
    headers: dict[str, str] = {}
    for name, value in each.head.fields:
        if name.lower() not in _OF_CURL:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    lines = ["import subprocess", "", "import requests", ""]
    shown = [f"    {name!r}: {value!r}," for name, value in headers.items()]
    if each.token_name:
        lines += [
            f"token = subprocess.check_output(['authproxy', 'token', {each.origin!r}], text=True)",
        ]
        name = each.token_name.decode("latin-1")
        shown.append(f"    {name!r}: f'Bearer {{token.strip()}}',")
    url = each.origin + each.target.decode("latin-1")
    lines += [
        "answer = requests.request(",
        f"    {each.method.decode('latin-1')!r},",
        f"    {url!r},",
        "    headers={",
        *(f"    {line}" for line in shown),
        "    },",
        *([f"    data={body!r},"] if body else []),
        "    allow_redirects=False,",
        ")",
        "print(answer.status_code, answer.text)",
    ]
    return "\n".join(lines)
