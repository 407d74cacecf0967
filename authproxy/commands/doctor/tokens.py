"""Checks of the token: can it be had, and is it for this service?"""

import time

from authproxy.commands.doctor.report import Result, failed, not_needed, ok
from authproxy.commands.doctor.subject import Subject
from authproxy.commands.identities import source_of
from authproxy.exchange import NO_TOKEN, Token
from authproxy.identity.clock_skew import duration
from authproxy.identity.google.errors import ADC_LOGIN
from authproxy.identity.token_cache.single_flight import mint_once
from authproxy.policy.google.cloud_run import GCLOUD_CLIENTS, OAUTH_CLIENT


async def check_token(subject: Subject) -> Result:
    source = source_of(subject.asked, subject.settings, subject.machine)
    deadline_s = subject.settings.timeouts.token
    subject.token = await mint_once(source, subject.audience, deadline_s=deadline_s)
    if subject.token is NO_TOKEN:
        return not_needed('credentials are "none"')
    left = duration(max(0.0, subject.token.expires_at - time.time()))
    return ok(f"{subject.token.principal} from {subject.token.source}, good for {left}")


async def check_claims(subject: Subject) -> Result:
    if subject.service.token == "access":
        return not_needed("an access token names no audience")
    return judge_audience(subject.token or NO_TOKEN, subject.audience)


def judge_audience(token: Token, wanted: str) -> Result:
    if token is NO_TOKEN:
        return not_needed("there is no token")
    if token.audience == wanted:
        return ok(f"the audience is {wanted}")
    if token.audience in GCLOUD_CLIENTS:
        return ok("the audience is gcloud's client id, which Cloud Run accepts from users")
    if token.audience.endswith(OAUTH_CLIENT):
        return failed(
            f"the token's audience is the OAuth client {token.audience}, which Cloud Run will most"
            " likely refuse",
            f"Run: {ADC_LOGIN}",
        )
    return failed(
        f"the token is for {token.audience}, not for {wanted}",
        f"Get a token for {wanted}; or, if the service accepts this one, use"
        f" --audience {token.audience}",
    )
