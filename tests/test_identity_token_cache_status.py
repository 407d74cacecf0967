import dataclasses

from authproxy.errors import CredentialError
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.status import TokenStatus, Trouble, readiness

FRESH = TokenStatus(
    source="gcloud",
    audience="https://a",
    principal="me@x.example",
    state=TokenState.FRESH,
    expires_at=3600.0,
    stale_at=3300.0,
    obtained_at=0.0,
    obtained=3,
    failures=0,
    trouble=None,
    minting=False,
    next_try_at=3300.0,
)
TROUBLE = Trouble.of(CredentialError("it broke", hint="Mend it.", permanent=True))
FAILED = dataclasses.replace(FRESH, audience="https://b", state=TokenState.INVALID, trouble=TROUBLE)


def test_stale_tokens_can_be_sent_and_invalid_ones_cannot() -> None:
    sendable = [dataclasses.replace(FRESH, state=state).sendable for state in TokenState]

    assert [True, True, False] == sendable


def test_the_first_token_is_no_refresh() -> None:
    counts = [dataclasses.replace(FRESH, obtained=n).refreshes for n in (0, 1, 3)]

    assert [0, 0, 2] == counts


def test_trouble_takes_over_what_may_be_shown_and_no_more() -> None:
    error = CredentialError("m", hint="h", detail="for the log", permanent=True)

    assert Trouble(message="m", hint="h", permanent=True) == Trouble.of(error)


def test_everything_is_ready_when_every_service_has_a_token() -> None:
    verdict = readiness([FRESH, dataclasses.replace(FRESH, trouble=TROUBLE)])

    assert (True, (), []) == (verdict.ready, verdict.without, verdict.reasons())


def test_what_is_not_ready_is_named_with_the_reason() -> None:
    unasked = dataclasses.replace(FAILED, audience="https://c", trouble=None)
    hintless = dataclasses.replace(
        FAILED, trouble=Trouble(message="it broke", hint="", permanent=False)
    )
    verdict = readiness([FRESH, FAILED, unasked, hintless])

    assert (False, (FAILED, unasked, hintless)) == (verdict.ready, verdict.without)
    assert [
        "https://b: it broke. Mend it.",
        "https://c: no token has come yet from gcloud",
        "https://b: it broke",
    ] == verdict.reasons()
