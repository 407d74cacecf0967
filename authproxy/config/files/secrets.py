"""Reads a secret from where its reference points. Its text never gets into a message."""

from collections.abc import Mapping
from pathlib import Path

from authproxy.config.files.reading import read_bytes, show_path
from authproxy.errors import StartError
from authproxy.exchange import Secret
from authproxy.values import SecretRef

MAX_BYTES = 16 * 1024


def resolve_secret(ref: SecretRef, environ: Mapping[str, str]) -> Secret:
    """A secret of this machine as it goes into a header, without the line end that editors leave.

    Raises StartError when it is missing, empty or cannot stand in a header.
    """
    try:
        text = _from_environment(ref.value, environ) if ref.kind == "env" else _from_file(ref.value)
        return Secret(header_text(text, str(ref)))
    except ValueError as error:
        raise StartError(str(error)) from None


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    text = environ.get(name)
    if text is None:
        raise ValueError(f"the environment variable {name} is not set")
    if not text.strip():
        raise ValueError(f"the environment variable {name} is empty")
    return text


def _from_file(path: str) -> str:
    content = read_bytes(Path(path), at_most=MAX_BYTES)
    if not content.strip():
        raise ValueError(f"{show_path(path)} is empty; write the key into it")
    return content.decode("latin-1")  # refused below where that is not what was meant


def header_text(text: str, source: str) -> str:
    """The secret without the line end. `source` is for the message. Raises ValueError.

    RFC 9110 5.5: a field value is visible ASCII with blanks inside; other bytes are obsolete.
    """
    key = text.removesuffix("\n").removesuffix("\r")
    if "\n" in key or "\r" in key:
        raise ValueError(f"{source} has more than one line; a key is one line")
    if key != key.strip():
        raise ValueError(f"{source} begins or ends with a blank; remove it")
    if not (key.isascii() and key.isprintable()):
        raise ValueError(
            f"{source} has a character that is not allowed in a header; a key is printable ASCII"
        )
    return key
