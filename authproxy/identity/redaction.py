"""Keeps secrets out of what is told about a failure."""

import re
import traceback
from pathlib import Path

from authproxy.errors import CredentialError

AT_MOST = 300
"""Characters of somebody else's text that go into a detail."""

_SECRETS = re.compile(
    r"eyJ[\w-]+(?:\.[\w-]*){0,4}"  # a JWT, whole or cut off
    r"|ya29\.[\w./-]+"  # a Google access token
    r"|1//[\w-]+"  # a Google refresh token
    r"|GOCSPX-[\w-]+"  # a Google client secret
    r"|[\w+/=-]{60,}"  # anything long without a space: a key, a signature, an assertion
)


def scrub(text: str) -> str:
    """`text` in one line, cut to AT_MOST, with everything that looks like a secret replaced."""
    return " ".join(_SECRETS.sub("***", text).split())[:AT_MOST]


def unforeseen(source: str, error: BaseException) -> CredentialError:
    """For an exception that nobody thought of: its type and place, never its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return CredentialError(
        f"{source} failed unexpectedly ({type(error).__name__}{place})",
        hint="This is a bug in authproxy. Please report it with this message.",
    )
