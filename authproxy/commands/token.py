"""`authproxy token`: the token for a service, for curl and scripts; or what the token says."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from authproxy.commands.identities import source_of
from authproxy.errors import ConfigError, CredentialError, Problem
from authproxy.event_loop import run_to_end
from authproxy.exchange import NO_TOKEN, Token
from authproxy.identity.claims import read_claims
from authproxy.identity.machine import Machine
from authproxy.identity.token_cache.single_flight import mint_once
from authproxy.policy.messages.headers import service_rules, token_line
from authproxy.settings import ServiceSettings, Settings
from authproxy.values.wording import did_you_mean

Form = Literal["token", "header", "claims"]
Say = Callable[[str], object]


def run(
    settings: Settings,
    names: Sequence[str],
    machine: Machine,
    *,
    form: Form,
    say: Say,
    warn: Say | None,
    key: str = "",
) -> None:
    """Tell `say` the token of the one service named; `warn` is told when a person looks on.

    `key`: the name of one in the configuration, whose caller the token would be for.
    Raises ConfigError, CredentialError or StartError.
    """
    name = _the_one(names)
    service = settings.services[name].acting_as(account_of(key, name, settings))
    source, audience = source_of(service, settings, machine), service.token_audience
    token = run_to_end(mint_once(source, audience, deadline_s=settings.timeouts.token))
    if token is NO_TOKEN:
        raise CredentialError(
            'there is no token: credentials are "none"', hint="Name others with --credentials."
        )
    say(_shown(token, form, service))
    if warn is not None and form != "claims":
        warn(_warning(token))


def _the_one(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    message = f"a token is for one service; say which: authproxy token {names[0]}"
    raise ConfigError([Problem(where="command line", key="URL", message=message)])


def account_of(key: str, service: str, settings: Settings) -> str:
    """As whom the caller with the key of this name asks the service; empty: as its own identity.

    Raises ConfigError if there is no such key, or if it does not open the service.
    """
    if not key:
        return ""
    found = settings.keys.get(key)
    if found is None:
        known = settings.keys
        guess = did_you_mean(key, known) or _known(known)
        raise _wrong_key(f"there is no [keys.{key}] in the configuration{guess}")
    if not found.opens(service):
        opened = ", ".join(found.services)
        raise _wrong_key(f"this key does not open {service}; it opens {opened}")
    return found.impersonate or ""


def _known(keys: Iterable[str]) -> str:
    names = ", ".join(keys)
    return f"; it has {names}" if names else ", nor any other key; name the file with -c"


def _wrong_key(message: str) -> ConfigError:
    return ConfigError([Problem(where="command line", key="--key", message=message)])


def _shown(token: Token, form: Form, service: ServiceSettings) -> str:
    if form == "token":
        return token.value.reveal()
    if form == "header":
        return _header(token, service)
    if service.token == "access":
        raise CredentialError(
            "an access token has no claims to show", hint="Leave --decode out to get the token."
        )
    return json.dumps(read_claims(token.value.reveal(), token.source), indent=2)


def _header(token: Token, service: ServiceSettings) -> str:
    rules = service_rules(
        authority=service.url.authority,
        token_header=service.header_for_token,
    )
    return token_line(rules, token, has_authorization=False).decode("ascii").rstrip()


def _warning(token: Token) -> str:
    until = time.strftime("%H:%M:%S", time.localtime(token.expires_at))
    where = token.audience or "Google's APIs"
    return (
        f"anyone with this token can call {where} as {token.principal} until {until};"
        " do not paste it anywhere, and clear the screen"
    )
