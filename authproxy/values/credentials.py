"""Names of sources of tokens and keys, and of the fields that carry them."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from authproxy.values.resources import parse_secret_name
from authproxy.values.wording import did_you_mean, parse_path, quoted

_TOKEN_CHARS = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
_SERVICE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
_FORBIDDEN_HEADERS = frozenset(
    [
        "host",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)


@dataclass(frozen=True, slots=True)
class CredentialsSpec:
    """A token source as configured: its kind, and what follows the colon."""

    kind: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}" if self.value else self.kind


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Reference to a secret, never the secret itself."""

    kind: Literal["env", "file", "secret"]
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


PLAIN_SOURCES = ("auto", "adc", "metadata", "gcloud", "none")
VALUE_SOURCES = {
    "file": "the path of a service account's key file",
    "token-file": "the path of a file that holds an identity token",
    "token-env": "the name of an environment variable that holds an identity token",
    "command": "a command that prints an identity token",
}
_KINDS = (*PLAIN_SOURCES, *VALUE_SOURCES)
_OTHER_WORDS = {
    **dict.fromkeys(("default", "application-default", "google", "gcp"), "adc"),
    **dict.fromkeys(("gce", "cloud-run", "workload-identity", "gke"), "metadata"),
    **dict.fromkeys(("user", "login", "me"), "gcloud"),
    **dict.fromkeys(("off", "no", "false", "anonymous"), "none"),
    **dict.fromkeys(("service-account", "service_account", "key", "json"), "file:KEY.json"),
    **dict.fromkeys(("exec", "cmd", "shell"), "command:ARGV"),
}
SOURCES = (*PLAIN_SOURCES, *(f"{kind}:…" for kind in VALUE_SOURCES))


def parse_credentials(text: str) -> CredentialsSpec:
    """One of PLAIN_SOURCES, or `kind:value` with a kind of VALUE_SOURCES.

    Text that could be a token or a key is not repeated.
    """
    kind, colon, value = text.strip().partition(":")
    kind, value = kind.lower() if kind.lower() in _KINDS else kind, value.strip()
    if kind in PLAIN_SOURCES:
        if colon:
            raise ValueError(f'"{kind}" takes nothing after it; write {kind}')
        return CredentialsSpec(kind)
    if kind not in VALUE_SOURCES:
        named = quoted(kind) if re.fullmatch(r"[A-Za-z_-]{1,20}", kind) else "this"
        meant = _meant(text.strip(), kind, value) or did_you_mean(kind, _KINDS)
        raise ValueError(
            f"{named} is not a source of tokens; the sources are {', '.join(SOURCES)}{meant}"
        )
    if not value:
        raise ValueError(f'"{kind}:" needs {VALUE_SOURCES[kind]} after the colon')
    if kind in ("file", "token-file"):
        parse_path(value, f"{kind}:/run/secrets/NAME")
    if kind == "token-env" and not _ENV_NAME.fullmatch(value):
        raise ValueError("token-env: needs the name of an environment variable, not the token")
    if kind == "command":
        _check_command(value)
    return CredentialsSpec(kind, value)


def _meant(text: str, kind: str, value: str) -> str:
    """A token is never repeated, and a path only where it can be nothing else."""
    if re.fullmatch(r"(?:file=)?[\w./~-]{1,200}\.json", text):
        return f"; did you mean file:{text.removeprefix('file=')}?"
    if kind == "env":
        return f"; did you mean token-env:{value if _ENV_NAME.fullmatch(value) else 'NAME'}?"
    word = _OTHER_WORDS.get(kind.lower())
    return f'; did you mean "{word}"?' if word else ""


def parse_secret_ref(text: str) -> SecretRef:
    """`env:NAME`, `file:PATH` or `secret:projects/P/secrets/S/versions/V`.

    The text itself is never repeated: it may be the secret.
    """
    kind, _, value = (part.strip() for part in text.partition(":"))
    kind = kind.lower()
    if kind == "env" and _ENV_NAME.fullmatch(value):
        return SecretRef("env", value)
    if kind == "file" and value and "\0" not in value:
        return SecretRef("file", value)
    if kind == "secret":
        return SecretRef("secret", parse_secret_name(value))
    if not text.strip():
        raise ValueError("is empty; write env:NAME, file:PATH or secret:projects/…/secrets/NAME")
    if kind in ("env", "file"):
        what = {"env": "name of an environment variable", "file": "path of a file"}[kind]
        raise ValueError(f"{kind}: needs the {what} that holds the key, never the key itself")
    raise ValueError(
        "a key must not be written here; put it into an environment variable, a file or Secret"
        " Manager, and write env:NAME, file:PATH or secret:projects/PROJECT/secrets/NAME"
    )


def parse_local_secret_ref(text: str) -> SecretRef:
    """As `parse_secret_ref`, of what must be at hand when Google is not."""
    kind = text.partition(":")[0].strip().lower()
    if kind == "secret":
        raise ValueError("must be at hand when Google is not: write env:NAME or file:PATH")
    if not text.strip():
        raise ValueError("is empty; write env:NAME or file:PATH")
    if kind not in ("env", "file"):
        raise ValueError(
            "a key must not be written here; put it into an environment variable or a file, and"
            " write env:NAME or file:PATH"
        )
    return parse_secret_ref(text)


def parse_key_header(text: str) -> str:
    """A field name in which a key goes."""
    name = parse_header_name(text)
    if name == "auto":
        raise ValueError("needs a header's name, as in X-Api-Key")
    return name


def parse_header_name(text: str) -> str:
    """A field name that may carry a credential (RFC 9110 5.1), or `auto`."""
    if not _TOKEN_CHARS.fullmatch(text) or len(text) > 100:
        raise ValueError("this is not a header name; write a name as in X-Serverless-Authorization")
    if text.lower() == "auto":
        return "auto"
    if text.lower() in _FORBIDDEN_HEADERS or text.lower().startswith("x-forwarded-"):
        raise ValueError(f"{text} has another meaning and cannot carry a credential")
    return text


def parse_secret_header(text: str) -> tuple[str, SecretRef]:
    """`Name: REF`, a field for every request whose value is a secret."""
    name, colon, value = (part.strip() for part in text.partition(":"))
    if not colon or not value or "=" in name:
        raise ValueError('this is not a header; write it as in "X-Partner-Key: env:PARTNER_KEY"')
    if parse_header_name(name) == "auto":
        raise ValueError("needs a header's name, as in X-Partner-Key")
    return name, parse_secret_ref(value)


def parse_service_name(text: str) -> str:
    """A DNS label in lower case, so that `NAME.localhost` is a host name."""
    return parse_name(text, what="service")


def parse_name(text: str, *, what: str) -> str:
    """The name of a service, listener or key: all follow one rule."""
    if not _SERVICE_NAME.fullmatch(text):
        close = re.sub(r"[^a-z0-9]+", "-", text.lower())[:63].strip("-")
        raise ValueError(
            f"{quoted(text)} cannot be a {what}'s name; write lower-case letters, digits and"
            f" hyphens, 63 at most{f': {close}' if close else ''}"
        )
    return text


def parse_audience(text: str) -> str:
    """What goes into `aud`: usually a URL or an OAuth client id."""
    if not text or not text.isprintable() or " " in text:
        raise ValueError("must be one word, as in https://SERVICE.run.app")
    return text


def parse_scope(text: str) -> str:
    """An OAuth scope (RFC 6749 3.3), as a rule a URL of Google's."""
    if not _SCOPE.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a scope; write one as in {CLOUD_PLATFORM}")
    return text


def parse_email(text: str) -> str:
    """A service account's address."""
    text = text.strip().removeprefix("serviceAccount:")
    if not _EMAIL.fullmatch(text):
        raise ValueError(
            f"{quoted(text)} is not a service account; write NAME@PROJECT.iam.gserviceaccount.com"
        )
    return text


def parse_file(text: str) -> Path:
    """The path of a file; neither it nor its folder need exist."""
    if not text.strip():
        raise ValueError("needs the path of a file; leave it out where there is none")
    return parse_path(text, "/etc/ssl/NAME.pem")


def _check_command(text: str) -> None:
    try:
        shlex.split(text)
    except ValueError:
        raise ValueError("command: has a quotation mark or backslash without its end") from None
