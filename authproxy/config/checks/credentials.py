"""Checks of services' addresses against their tokens and keys."""

from collections.abc import Iterator

from authproxy.config.checks.draft import Draft
from authproxy.errors import Problem
from authproxy.values import CLOUD_PLATFORM

CANNOT_IMPERSONATE = ("token-file", "token-env", "command", "none")
"""Sources that yield an identity token or nothing, where impersonation needs an access token."""

GOOGLE_APIS = ".googleapis.com"

TOKEN_HEADERS = ("authorization", "x-serverless-authorization")
"""What `token_header = "auto"` may use."""


def check_addresses(draft: Draft) -> Iterator[Problem]:
    for path, service in draft.services():
        if service.service is None:
            if service.tag is not None and (*path, "tag") in draft.entries:
                yield draft.problem(
                    (*path, "tag"),
                    "goes with a service by name; a tag's own address can be written as url",
                )
            continue
        if (*path, "url") in draft.entries:
            yield draft.problem(
                (*path, "service"), "says where the service is, and so does url; remove one"
            )
        if service.credentials.kind in CANNOT_IMPERSONATE:
            yield draft.problem(
                (*path, "service"),
                f'credentials of the kind "{service.credentials.kind}" cannot look a service up;'
                ' write its address: url = "https://…"',
            )


def check_impersonation(draft: Draft) -> Iterator[Problem]:
    for path, service in draft.services():
        kind = service.credentials.kind
        if service.impersonate and kind in CANNOT_IMPERSONATE:
            yield draft.problem(
                (*path, "impersonate"),
                f'credentials of the kind "{kind}" cannot act as a service account; use auto, adc,'
                " metadata, gcloud or file:KEY.json, or remove impersonate",
            )
        if service.delegates and not service.impersonate:
            yield draft.problem(
                (*path, "delegates"),
                "has no effect alone; add impersonate, the account to act as",
            )


def check_access_tokens(draft: Draft) -> Iterator[Problem]:
    """It opens all that its identity may do, so it goes to nobody but Google."""
    for path, service in draft.services():
        if service.token != "access":
            if service.scopes != (CLOUD_PLATFORM,):
                yield draft.problem(
                    (*path, "scopes"), 'only access tokens have scopes; add token = "access"'
                )
            continue
        if service.url.scheme != "https" or not service.url.host.endswith(GOOGLE_APIS):
            yield draft.problem(
                (*path, "token"),
                "an access token gives access to everything that its identity may do, so it is"
                f" sent to https://NAME{GOOGLE_APIS} only; for {service.url} use an identity token",
            )
        if service.credentials.kind in CANNOT_IMPERSONATE:
            yield draft.problem(
                (*path, "credentials"),
                f'credentials of the kind "{service.credentials.kind}" have no access tokens; use'
                " auto, adc, metadata, gcloud or file:KEY.json",
            )
        if service.audience is not None:
            yield draft.problem((*path, "audience"), "access tokens have none; remove it")


def check_headers(draft: Draft) -> Iterator[Problem]:
    for path, service in draft.services():
        token = service.header_for_token.lower()
        taken = set(TOKEN_HEADERS if token == "auto" else (token,))
        if service.credentials.kind == "none":
            taken.clear()
        for header, ref in service.secrets:
            key = "api_key_header" if ref is service.api_key else "secret_headers"
            if header.lower() in taken:
                yield draft.problem(
                    (*path, key), f"{header} carries the token; choose another header for the key"
                )
        names = [header.lower() for header, _ in service.secrets]
        for name in {name for name in names if names.count(name) > 1}:
            yield draft.problem((*path, "secret_headers"), f"{name} is there twice; remove one")
        for index, (name, _) in enumerate(service.add_headers):
            if name.lower() in {*names, *taken}:
                carries = "the token" if name.lower() in taken else "a secret already"
                yield draft.problem(
                    (*path, "add_headers"), f"{name} carries {carries}; remove it", index=index
                )


def check_secret_manager(draft: Draft) -> Iterator[Problem]:
    for path, service in draft.services():
        kind = service.credentials.kind
        for _, ref in service.secrets:
            if ref.kind == "secret" and kind in CANNOT_IMPERSONATE:
                key = "api_key" if ref is service.api_key else "secret_headers"
                yield draft.problem(
                    (*path, key),
                    f'credentials of the kind "{kind}" cannot ask Secret Manager; use auto, adc,'
                    " metadata, gcloud or file:KEY.json, or env:NAME or file:PATH for the secret",
                )
