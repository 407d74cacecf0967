"""What is decided about a request that another proxy has received."""

import asyncio
from pathlib import Path

import pytest

from authproxy.authorizer.decisions import Denied, Granted
from authproxy.errors import Code
from authproxy.exchange import Exchange, RequestHead, make_field
from tests.support.jwt import unsigned_jwt
from tests.support.running import running

KEY = "k" * 32
CONFIG = """
listen = ["127.0.0.1:0"]
trusted_proxies = ["127.0.0.2"]
[authorizer]
listen = "127.0.0.1:0"
[services.a]
url = "https://a.example/base"
credentials = "token-file:{folder}/token"
path = "/"
{service}
"""


class Peer(asyncio.Transport):
    """The proxy at the other end."""

    def __init__(self, address: str = "127.0.0.2") -> None:
        super().__init__({"peername": (address, 50000), "sockname": ("127.0.0.1", 9191)})


class Kept:
    def __init__(self) -> None:
        self.ended: list[Exchange] = []

    def exchange_ended(self, exchange: Exchange) -> None:
        self.ended.append(exchange)


def head(target: str = "/x", client: str = "127.0.0.1", **fields: str) -> RequestHead:
    given = {"Host": "localhost", "X-Forwarded-For": client, "X-Forwarded-Proto": "https"} | {
        name.replace("_", "-"): value for name, value in fields.items()
    }
    made = [make_field(name.encode(), value.encode()) for name, value in given.items()]
    return RequestHead(b"GET", target.encode(), "1.1", made)


async def decide(
    folder: Path,
    asked: RequestHead,
    *,
    service: str = "",
    peer: str = "127.0.0.2",
    life_s: float = 3600,
) -> tuple[Granted | Denied, Exchange]:
    (folder / "token").write_text(unsigned_jwt(life=life_s, aud="https://a.example"))
    kept = Kept()
    text = CONFIG.format(folder=folder, service=service)
    async with running(folder, text, observers=[kept]) as it:
        authorizer = it.proxy.inside.authorizer.authorizer
        assert authorizer is not None
        try:
            found: Granted | Denied = await authorizer.decide(asked, Peer(peer))
        except Denied as denied:
            found = denied
    return found, kept.ended[0]


def shown(granted: Granted | Denied) -> dict[bytes, bytes]:
    assert isinstance(granted, Granted), granted
    return {name: value for name, value, _ in granted.fields}


async def test_of_what_is_for_one_hop_a_password_is_taken_away(tmp_path: Path) -> None:
    asked = head("/x", Proxy_Authorization="Basic bWU6bXk=", Connection="close", TE="trailers")

    found, _ = await decide(tmp_path, asked)

    assert isinstance(found, Granted)
    assert b"proxy-authorization" in found.removed
    assert not {b"connection", b"te"} & {*found.removed}


async def test_a_yes_has_all_that_our_own_request_would_carry(tmp_path: Path) -> None:
    more = 'add_headers = ["X-Team: billing"]\nremove_headers = ["X-Debug"]'
    asked = head("/x?y=1", X_Debug="1", X_Serverless_Authorization="Bearer mine")

    found, exchange = await decide(tmp_path, asked, service=more)

    fields = shown(found)
    assert isinstance(found, Granted)
    assert fields[b"authorization"].startswith(b"Bearer eyJ")
    assert b"billing" == fields[b"x-team"]
    assert b"127.0.0.1" == fields[b"x-forwarded-for"]
    assert (b"x-debug", b"x-serverless-authorization") == tuple(
        name for name in found.removed if name in (b"x-debug", b"x-serverless-authorization")
    )
    assert ("a", "https://a.example", "a.example", b"/base/x?y=1") == (
        found.service,
        found.origin,
        found.authority,
        found.target,
    )
    assert ("a", 200, "me@x.example") == (exchange.service, exchange.status, exchange.principal)
    assert "eyJ" not in repr(found)


async def test_the_log_hears_why_it_is_a_no(tmp_path: Path) -> None:
    found, exchange = await decide(tmp_path, head(client="192.0.2.7"))

    assert isinstance(found, Denied)
    assert Code.ADDRESS_NOT_ALLOWED == found.error.code == exchange.code
    assert found.request_id == exchange.request_id
    assert "192.0.2.7" in exchange.detail


@pytest.mark.parametrize("peer", ["127.0.0.1", "192.0.2.1", "::1"])
async def test_only_a_trusted_proxy_is_believed(tmp_path: Path, peer: str) -> None:
    found, exchange = await decide(tmp_path, head(), peer=peer)

    assert isinstance(found, Denied)
    assert Code.ADDRESS_NOT_ALLOWED == found.error.code
    assert f"{peer} asks the authorizer, and is not in trusted_proxies" == exchange.detail


async def test_without_a_token_it_is_a_no(tmp_path: Path) -> None:
    found, _ = await decide(tmp_path, head(), life_s=-60)

    assert isinstance(found, Denied)
    assert 503 == found.error.status


async def test_others_rules_hold_from_the_next_question_on(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(unsigned_jwt(aud="https://a.example"))
    text = CONFIG.format(folder=tmp_path, service="")
    async with running(tmp_path, text) as it:
        authorizer = it.proxy.inside.authorizer.authorizer
        assert authorizer is not None
        before = await authorizer.decide(head(), Peer())
        await it.reload(text + 'deny_paths = ["/x"]\n')
        with pytest.raises(Denied) as denied:
            await authorizer.decide(head(), Peer())

    assert "a" == before.service
    assert Code.PATH_NOT_ALLOWED == denied.value.error.code


async def test_what_a_body_may_have_is_what_it_may_have_by_now(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(unsigned_jwt(aud="https://a.example"))
    text = CONFIG.format(folder=tmp_path, service="")
    async with running(tmp_path, text) as it:
        authorizer = it.proxy.inside.authorizer.authorizer
        assert authorizer is not None
        asked = head(Content_Length="6")
        await authorizer.decide(asked, Peer())
        await it.reload(text + "[limits]\nbody_bytes = 5\n")
        with pytest.raises(Denied) as denied:
            await authorizer.decide(asked, Peer())

    assert 413 == denied.value.error.status
