"""The keys that clients must show, as files have them."""

from pathlib import Path

from authproxy.config.files.reading import read_bytes, show_path
from authproxy.errors import ConfigError, Problem

MAX_BYTES = 64 * 1024
LEAST = 22
"""Characters: 128 random bits in base64."""


def read_keys(file: Path, name: str) -> list[str]:
    """The keys in `file`, one to a line. Raises ConfigError, which repeats none of them."""

    def problem(message: str, line: int = 0) -> ConfigError:
        where = f"{file}:{line}" if line else str(file)
        return ConfigError([Problem(where=where, key=f"keys.{name}.file", message=message)])

    try:
        lines = read_bytes(file, at_most=MAX_BYTES).decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise problem("is no text in ASCII; write one key to a line") from None
    except ValueError as error:
        raise problem(str(error)) from None
    keys = []
    for number, line in enumerate(lines, 1):
        key = line.strip()
        if key and len(key) < LEAST:
            advice = "authproxy key makes a good one"
            raise problem(f"the key is shorter than {LEAST} characters; {advice}", number)
        keys += [key] if key else []
    if not keys:
        raise problem(f"{show_path(file)} is empty; write a key into it: authproxy key makes one")
    return keys
