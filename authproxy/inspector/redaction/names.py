"""Names of header fields, query parameters, form fields and JSON members that hold secrets."""

import re
from collections.abc import Iterable

WORDS = frozenset(
    {
        *("token", "tokens", "secret", "secrets", "password", "passwords", "passwd", "passphrase"),
        *("pass", "pwd", "pw", "key", "apikey", "auth", "authorization", "authentication"),
        *("credential", "credentials", "signature", "sig", "assertion", "code", "verifier"),
        *(
            "session",
            "sid",
            "cookie",
            "cookies",
            "jwt",
            "otp",
            "totp",
            "pin",
            "cvv",
            "cvc",
            "private",
        ),
        *("bearer", "csrf", "xsrf", "nonce", "hmac", "ticket", "samlresponse", "samlrequest"),
    }
)
"""A name is a secret's that has one of these among its words: `accessToken`, `X-Api-Key`."""
PARTS = (
    *("token", "secret", "passw", "passphrase", "apikey", "accesskey", "privatekey", "signature"),
    *("credential", "sessionid", "authoriz", "assertion", "cookie", "bearer", "verifycode"),
)
"""Or one of these anywhere, once what is between its words is left out: `authtoken`."""
AS_NUMBERS = frozenset({"pin", "otp", "totp", "cvv", "cvc", "password", "passwd", "pwd", "pass"})
"""Words of names whose numbers are secrets as well. `code` is not one: errors have it in JSON."""
HARMLESS = frozenset(
    {
        *("access-control-allow-credentials", "access-control-allow-headers"),
        *("access-control-request-headers", "access-control-expose-headers", "vary", "connection"),
        *("sec-websocket-accept", "www-authenticate", "proxy-authenticate", "x-authproxy-error"),
        *("x-authproxy-hint", "grpc-status", "grpc-message", "sec-websocket-protocol"),
    }
)
"""Header fields that only sound like it; what is secret in them by its shape is taken out."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_REMEMBERED = 4096


class Names:
    """Judges names, and remembers what it found."""

    def __init__(self, further: Iterable[str] = ()) -> None:
        """`further` are whole names, in any case, that hold secrets as well."""
        self._further = frozenset(name.lower() for name in further)
        self._found: dict[str, bool] = {}
        signs = sorted({*WORDS, *PARTS, *self._further})
        self._sign = re.compile("|".join(map(re.escape, signs)).encode())

    def may_be_in(self, text: bytes) -> bool:
        """True for every text that has a name with a secret in it, unless letters are escaped.

        In lower case, since `re` is many times slower when it has to ignore case.
        """
        return self._sign.search(text.lower()) is not None

    def is_secret(self, name: str) -> bool:
        found = self._found.get(name)
        if found is None:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            found = self._found[name[:200]] = self._judge(name)
        return found

    def numbers_too(self, name: str) -> bool:
        """Whether a number under that name is a secret, too."""
        return name.lower() in self._further or not AS_NUMBERS.isdisjoint(_words(name))

    def _judge(self, name: str) -> bool:
        lower = name.lower()
        if lower in self._further:
            return True
        if lower in HARMLESS:
            return False
        joined = re.sub(r"[\W_]+", "", lower)
        return not WORDS.isdisjoint((*_words(name), joined)) or any(p in joined for p in PARTS)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]
