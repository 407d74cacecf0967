"""Methods of HTTP: which there are, and which a rule may have meant."""

import re

from authproxy.values.wording import did_you_mean, find_slip, quoted

COMMON = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
READ_ONLY = ("GET", "HEAD", "OPTIONS")
NEVER_PASS = ("CONNECT", "TRACE", "PRI")
"""Refused whatever the rules say (docs/decisions/0009); PRI begins HTTP/2 (RFC 9113 3.4)."""

KNOWN = frozenset(
    (
        *COMMON,
        *NEVER_PASS,
        # The registry of RFC 9110 16.1.1: WebDAV and its relatives.
        *("ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK"),
        *("LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE"),
        *("MOVE", "ORDERPATCH", "PROPFIND", "PROPPATCH", "QUERY", "REBIND", "REPORT", "SEARCH"),
        *("UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF"),
        "VERSION-CONTROL",
        # Not registered, and in use.
        *("PURGE", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE"),
    )
)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
_SEVERAL = re.compile(r"[|+&]")
"""What people write between methods, and what could stand in the name of one."""
_MEANS_READING = {"readonly", "ro", "read", "safe"}
_MEANS_ALL = {"all", "any", "every", "everything", "*", "**", ".*"}
_MEANS_NOTHING_HERE = {"none", "no", "write", "writeonly", "readwrite", "rw"}


def is_read_only(text: str) -> bool:
    """Whether it is the word for all methods that only read."""
    return text.strip().lower() == "read-only"


def parse_method(text: str) -> str:
    """A method's name is in capitals (RFC 9110 9.1), and compared as it is.

    Raises ValueError for what is almost a known method: a rule that is misspelt does nothing, or
    shuts everybody out. A service may have methods of its own.
    """
    name = text.strip()
    word = re.sub(r"[-_ ]", "", name.lower())
    if word in _MEANS_READING:
        raise ValueError(f'{quoted(text)} is no method; did you mean "read-only"?')
    if word in _MEANS_ALL:
        raise ValueError(f"{quoted(text)} is no method; leave the setting out to allow all methods")
    if not _TOKEN.fullmatch(name) or word in _MEANS_NOTHING_HERE:
        raise ValueError(f"{quoted(text)} is no method; write GET, or read-only")
    name = name.upper()
    if len(parts := _SEVERAL.split(name)) > 1 and KNOWN.issuperset(parts):
        raise ValueError(f"{quoted(text)} is no method; write commas between: {', '.join(parts)}")
    meant = None if name in KNOWN else _find_meant(name)
    if meant:
        raise ValueError(f'{quoted(text)} is no method; did you mean "{meant}"?')
    return name


def of_its_own(name: str) -> str:
    """What to say of a method that HTTP does not know."""
    return (
        f"HTTP knows no method {quoted(name)}; it is passed on as a method of the service's own"
        f"{did_you_mean(name, COMMON)}"
    )


def _find_meant(name: str) -> str | None:
    begun = [known for known in COMMON if len(name) >= 3 and known.startswith(name)]
    # The common ones first: what may be either of two is more likely to be one of them.
    return find_slip(name, COMMON) or next(iter(begun), None) or find_slip(name, sorted(KNOWN))
