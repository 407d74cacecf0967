"""Subject tokens of federated credentials, and errors for those that cannot be read.

Nothing of what a program or a server said is shown: it may hold the token.
"""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from authproxy.errors import CredentialError

ALLOW = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"
PROGRAM = "a program"
AWS = "AWS"

_CODE = re.compile(r"non-zero return code (-?\d+)")


def subject_of(info: Mapping[str, object]) -> str:
    """For messages, by a credentials file's contents; empty when it is of another type."""
    place = info.get("credential_source")
    if info.get("type") != "external_account" or not isinstance(place, Mapping):
        return ""
    if str(place.get("environment_id", "")).startswith("aws"):
        return AWS
    if "executable" in place:
        return PROGRAM
    if "url" in place:
        return urlsplit(str(place["url"])).netloc.rpartition("@")[2]
    return str(place.get("file", ""))


def subject_file_of(info: Mapping[str, object]) -> tuple[Path, ...]:
    """The file that holds the subject token, if it is in one."""
    place = info.get("credential_source")
    return (Path(str(place["file"])),) if isinstance(place, Mapping) and "file" in place else ()


def is_about_subject(chain: Sequence[BaseException]) -> bool:
    """Whether an exception, with all that caused it, is about a subject token.

    To be asked only while Google was not: else it is about what Google said. Mistakes in the
    credentials file itself come as google-auth's own kinds of ValueError.
    """
    from google.auth.exceptions import RefreshError, TransportError
    from requests import RequestException

    kinds = (RefreshError, TransportError, RequestException, OSError, subprocess.SubprocessError)
    return any(isinstance(each, (*kinds, json.JSONDecodeError)) or _forbids(each) for each in chain)


def no_subject(
    chain: Sequence[BaseException], source: str, subject: str, status: int
) -> CredentialError:
    """What was wrong with it, and what to do. `status`: of the last HTTP answer, 0 if none came."""
    if any(_forbids(each) for each in chain):
        return CredentialError(
            f"{source}: the subject token comes from a program, which authproxy may not run",
            hint=f"If you trust the file that names the program: export {ALLOW}=1",
            permanent=True,
        )
    why, hint = _why(chain, status)
    if subject == PROGRAM:
        hint = "Run it by hand; it is credential_source.executable.command in the file."
    elif subject == AWS:
        hint = "Does this machine have an AWS role, or are the AWS_ variables set?"
    return CredentialError(f"{source}: cannot get the subject token from {subject}{why}", hint=hint)


def _why(chain: Sequence[BaseException], status: int) -> tuple[str, str]:
    elsewhere = (
        "credential_source in the file says where to get it;"
        " is that right, and is the server running?"
    )
    words = " ".join(str(arg) for each in chain for arg in each.args[:1])
    code = _CODE.search(words)
    if code is not None:
        return f": it ended with {code[1]}", elsewhere
    if any(isinstance(each, subprocess.TimeoutExpired) for each in chain):
        return ": it did not finish in time", elsewhere
    if "was not found" in words or any(isinstance(each, FileNotFoundError) for each in chain):
        return (
            ": it is not there",
            "Is the path right? What writes the token may not have run yet.",
        )
    if any(isinstance(each, PermissionError) for each in chain):
        return ": it may not be read or run by this user", "Change its owner or mode."
    if status >= 400:
        return f": it answered {status}", elsewhere
    if "subject_token" in words or any(isinstance(each, json.JSONDecodeError) for each in chain):
        return ": there is none in it", "Does credential_source.format say how it is written?"
    return f" ({type(chain[0]).__name__})", elsewhere


def _forbids(error: BaseException) -> bool:
    return any(ALLOW in arg for arg in error.args if isinstance(arg, str))
