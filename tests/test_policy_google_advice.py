"""One sentence, one command: what a user reads when Google refuses."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.policy.google.advice import Advice, Situation, advise, member_of
from authproxy.policy.google.cloud_run import GCLOUD_CLIENTS, Place
from authproxy.policy.google.rejection import Rejection
from authproxy.values import parse_origin

NOW = 1_800_000_000.0
ROBOT = "robot@project.iam.gserviceaccount.com"
RUN_APP = "https://hello-123456789012.europe-west4.run.app"
CLIENT = "1234-abcd.apps.googleusercontent.com"
UNEXPLAINED = (
    f"The token for {RUN_APP} was not accepted. The usual causes are a wrong clock and the"
    " audience of another service."
)


def situation(url: str = RUN_APP, **changes: object) -> Situation:
    origin = parse_origin(url)
    usual = Situation(
        service="hello",
        origin=origin,
        audience=origin.audience,
        principal=ROBOT,
        source="metadata",
        expires_at=NOW + 3000,
        issued_at=NOW - 600,
        now=NOW,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]  # -- a test's own table


NO_TOKEN = Advice(
    sentence='authproxy sends no token, since credentials are "none", and the service does'
    " not accept what the client sent.",
    command=f"authproxy {RUN_APP} --credentials auto",
)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (
            situation(),
            Advice(
                sentence=f"{ROBOT} may not call this service: it lacks roles/run.invoker. A new"
                " grant takes a minute or two.",
                command="gcloud run services add-iam-policy-binding hello --region=europe-west4"
                f" --member=serviceAccount:{ROBOT} --role=roles/run.invoker",
            ),
        ),
        (
            situation("https://v2---hello-abcdefghij-ez.a.run.app", principal="anna@example.com"),
            Advice(
                sentence="anna@example.com may not call this service: it lacks roles/run.invoker."
                " A new grant takes a minute or two.",
                command="gcloud run services add-iam-policy-binding hello --region=REGION"
                " --member=user:anna@example.com --role=roles/run.invoker",
            ),
        ),
        (
            situation("https://api.example.com", principal="113456789012345678901"),
            Advice(
                sentence="113456789012345678901 may not call this service: it lacks"
                " roles/run.invoker. A new grant takes a minute or two.",
                command="gcloud run services add-iam-policy-binding SERVICE --region=REGION"
                " --member=serviceAccount:EMAIL --role=roles/run.invoker",
            ),
        ),
        (situation(principal=""), NO_TOKEN),
    ],
)
def test_who_may_not_call_is_told_how_to_be_let_in(where: Situation, expected: Advice) -> None:
    assert expected == advise(Rejection.NOT_INVOKER, where)


def test_a_place_that_is_known_needs_no_guess() -> None:
    where = situation("https://api.example.com", place=Place(service="api", region="us-east1"))

    assert "add-iam-policy-binding api --region=us-east1 " in (
        advise(Rejection.NOT_INVOKER, where).command
    )


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param(situation(principal=""), NO_TOKEN, id="no token"),
        pytest.param(
            situation(expires_at=NOW - 1),
            Advice(
                sentence="The token has expired, by this machine's clock: is that right?",
                command="timedatectl set-ntp true",
            ),
            id="expired",
        ),
        pytest.param(
            situation(expires_at=NOW, source="token-file:/run/token"),
            Advice(sentence="The token that token-file:/run/token gave has expired: renew it."),
            id="expired, given",
        ),
        pytest.param(
            situation(issued_at=NOW + 61),
            Advice(
                sentence="By this machine's clock the token was made in the future: the clock is"
                " behind.",
                command="timedatectl set-ntp true",
            ),
            id="clock behind",
        ),
        pytest.param(
            situation(audience=""),
            Advice(
                sentence="The request carried an access token; Cloud Run requires an identity"
                " token:"
                ' remove token = "access" from the settings.'
            ),
            id="access token",
        ),
        pytest.param(
            situation(audience=CLIENT, principal="anna@example.com"),
            Advice(
                sentence="anna@example.com is signed in with an OAuth client of their own, and"
                " Cloud Run accepts people's tokens from gcloud's only.",
                command="gcloud auth application-default login",
            ),
            id="own OAuth client",
        ),
        pytest.param(
            situation(audience=CLIENT),
            Advice(
                sentence="The token's audience is an OAuth client, which Identity-Aware Proxy"
                " requires; Cloud Run requires the service's address."
                f' Set audience = "{RUN_APP}".',
                command=f"authproxy {RUN_APP} --audience {RUN_APP}",
            ),
            id="audience of IAP",
        ),
        pytest.param(
            situation(audience=RUN_APP.replace("hello", "v2---hello")),
            Advice(
                sentence="The token's audience has a traffic tag in it; Cloud Run requires it"
                " without the tag."
                f' Set audience = "{RUN_APP}".',
                command=f"authproxy {RUN_APP} --audience {RUN_APP}",
            ),
            id="tag",
        ),
        pytest.param(
            situation("https://api.example.com"),
            Advice(
                sentence="The token's audience is https://api.example.com, and a service does"
                " not accept the address of a custom domain or a load balancer: set audience to"
                " its own"
                ' address, "https://SERVICE-NUMBER.REGION.run.app", or let it accept this one.',
                command="gcloud run services update SERVICE --region=REGION"
                " --add-custom-audiences=https://api.example.com",
            ),
            id="custom domain",
        ),
        pytest.param(
            situation(audience="https://other.example"),
            Advice(
                sentence="The token's audience is https://other.example, which is not this"
                " service's address. To use it as a custom audience, add it to the service."
                f' Set audience = "{RUN_APP}".',
                command=f"authproxy {RUN_APP} --audience {RUN_APP}",
            ),
            id="another audience",
        ),
        pytest.param(
            situation(audience=f"{RUN_APP}/"),
            Advice(
                sentence=UNEXPLAINED.replace(RUN_APP, f"{RUN_APP}/"),
                command=f"authproxy doctor {RUN_APP}",
            ),
            id="with a slash",
        ),
        pytest.param(
            situation(audience="https://hello-abcdefghij-ez.a.run.app"),
            Advice(
                sentence=UNEXPLAINED.replace(RUN_APP, "https://hello-abcdefghij-ez.a.run.app"),
                command=f"authproxy doctor {RUN_APP}",
            ),
            id="the other form of the address",
        ),
        pytest.param(
            situation(),
            Advice(sentence=UNEXPLAINED, command=f"authproxy doctor {RUN_APP}"),
            id="unexplained",
        ),
        pytest.param(
            situation(source="command:mint"),
            Advice(
                sentence=f"The token that command:mint gave, for {RUN_APP}, was not accepted: was"
                " it made for this service?",
                command=f"authproxy doctor {RUN_APP}",
            ),
            id="unexplained, given",
        ),
        pytest.param(
            situation(audience=GCLOUD_CLIENTS[0], principal="anna@example.com"),
            Advice(
                sentence=UNEXPLAINED.replace(RUN_APP, GCLOUD_CLIENTS[0]),
                command=f"authproxy doctor {RUN_APP}",
            ),
            id="gcloud's client",
        ),
        pytest.param(
            situation("https://api.example.com", audience=RUN_APP),
            Advice(sentence=UNEXPLAINED, command="authproxy doctor https://api.example.com"),
            id="custom domain, own audience",
        ),
    ],
)
def test_a_token_that_is_not_accepted_is_looked_at(where: Situation, expected: Advice) -> None:
    assert expected == advise(Rejection.INVALID_TOKEN, where)


@pytest.mark.parametrize(
    ("rejection", "command"),
    [
        (
            Rejection.NOT_FOUND,
            "gcloud run services describe hello --region=europe-west4"
            " --format='yaml(status.url,metadata.annotations)'",
        ),
        (
            Rejection.TOO_LARGE,
            "gcloud run services update hello --region=europe-west4 --use-http2",
        ),
        (
            Rejection.ALL_BUSY,
            "gcloud run services update hello --region=europe-west4 --max-instances=NUMBER",
        ),
        (Rejection.NO_INSTANCE, "gcloud run services logs read hello --region=europe-west4"),
    ],
)
def test_what_has_nothing_to_do_with_tokens_has_its_command(
    rejection: Rejection, command: str
) -> None:
    assert command == advise(rejection, situation()).command


@pytest.mark.parametrize(
    ("rejection", "where", "expected"),
    [
        (
            Rejection.IAP_NO_TOKEN,
            situation(),
            Advice(
                sentence="Identity-Aware Proxy is in front of the service and found no token in"
                " Authorization or Proxy-Authorization. Its audience must be an OAuth"
                f" client that is allowed programmatic access; it is {RUN_APP}.",
                command=f"authproxy {RUN_APP} --audience CLIENT_ID.apps.googleusercontent.com",
            ),
        ),
        (
            Rejection.IAP_INVALID_TOKEN,
            situation(audience=""),
            Advice(
                sentence="Identity-Aware Proxy is in front of the service and does not accept the"
                " token. Its audience must be an OAuth client that is allowed programmatic access;"
                " it is none.",
                command=f"authproxy {RUN_APP} --audience CLIENT_ID.apps.googleusercontent.com",
            ),
        ),
        (
            Rejection.IAP_INVALID_TOKEN,
            situation(audience=CLIENT),
            Advice(
                sentence=f"Identity-Aware Proxy does not accept a token for {CLIENT}: that client"
                " must be the application's own, or be allowed programmatic access.",
                command="gcloud iap settings get --project=PROJECT --resource-type=cloud-run"
                " --service=hello --region=europe-west4",
            ),
        ),
        (
            Rejection.IAP_INVALID_TOKEN,
            situation(audience=CLIENT, expires_at=NOW),
            Advice(
                sentence="The token has expired, by this machine's clock: is that right?",
                command="timedatectl set-ntp true",
            ),
        ),
        (
            Rejection.IAP_NOT_ALLOWED,
            situation(audience=CLIENT),
            Advice(
                sentence=f"{ROBOT} may not pass Identity-Aware Proxy: it lacks"
                " roles/iap.httpsResourceAccessor. A new grant takes a minute or two.",
                command="gcloud iap web add-iam-policy-binding --resource-type=cloud-run"
                f" --service=hello --region=europe-west4 --member=serviceAccount:{ROBOT}"
                " --role=roles/iap.httpsResourceAccessor",
            ),
        ),
        (
            Rejection.IAP_NOT_ALLOWED,
            situation("https://app.example.com", audience=CLIENT, principal="anna@example.com"),
            Advice(
                sentence="anna@example.com may not pass Identity-Aware Proxy: it lacks"
                " roles/iap.httpsResourceAccessor. A new grant takes a minute or two.",
                command="gcloud iap web add-iam-policy-binding --resource-type=backend-services"
                " --service=BACKEND_SERVICE --member=user:anna@example.com"
                " --role=roles/iap.httpsResourceAccessor",
            ),
        ),
    ],
)
def test_identity_aware_proxy_wants_a_client_and_a_role(
    rejection: Rejection, where: Situation, expected: Advice
) -> None:
    assert expected == advise(rejection, where)


@pytest.mark.parametrize(
    "rejection",
    [Rejection.IAP_NO_TOKEN, Rejection.IAP_INVALID_TOKEN, Rejection.IAP_NOT_ALLOWED],
)
def test_without_a_token_that_is_what_is_said(rejection: Rejection) -> None:
    assert NO_TOKEN == advise(rejection, situation(principal=""))


def test_what_a_token_claims_is_quoted_for_the_shell() -> None:
    where = situation(principal="$(reboot)@evil.example; rm -rf x")

    assert (
        "gcloud run services add-iam-policy-binding hello --region=europe-west4"
        " --member='user:$(reboot)@evil.example; rm -rf x' --role=roles/run.invoker"
    ) == advise(Rejection.NOT_INVOKER, where).command


@pytest.mark.parametrize(
    ("principal", "member"),
    [
        (ROBOT, f"serviceAccount:{ROBOT}"),
        ("anna@example.com", "user:anna@example.com"),
        ("1" * 21, "serviceAccount:EMAIL"),
        ("unknown", "serviceAccount:EMAIL"),
    ],
)
def test_members_are_written_as_iam_does(principal: str, member: str) -> None:
    assert member == member_of(principal)


def test_the_line_has_sentence_and_command() -> None:
    assert "It is so. Try: do this" == Advice(sentence="It is so.", command="do this").line
    assert "It is so." == Advice(sentence="It is so.").line


@given(
    rejection=st.sampled_from(Rejection),
    url=st.sampled_from([RUN_APP, "https://api.example.com", "http://[::1]:8080"]),
    audience=st.sampled_from(["", RUN_APP, "a---b", "https://v2---a-b-cd.a.run.app?x", CLIENT]),
    principal=st.sampled_from(["", ROBOT, "anna@example.com", "unknown"]),
    life_s=st.floats(-7200, 7200),
    age_s=st.floats(-7200, 7200),
)
def test_there_is_always_one_line_to_say(
    rejection: Rejection, url: str, audience: str, principal: str, life_s: float, age_s: float
) -> None:
    where = situation(
        url,
        audience=audience,
        principal=principal,
        expires_at=NOW + life_s,
        issued_at=NOW - age_s,
    )

    advice = advise(rejection, where)

    assert advice.sentence
    assert advice.line.isprintable()
    assert advice.line.isascii()
