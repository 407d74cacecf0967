"""Keys out of Secret Manager, through a whole authproxy."""

import asyncio
from pathlib import Path

from aiohttp import web

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from tests.support.program import Program

SECRET = "projects/acme-prod/secrets/billing-key"


class Noted:
    """What the service was sent."""

    def __init__(self) -> None:
        self.keys: list[str | None] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers.get("X-Partner-Key") or request.headers.get("X-Api-Key"))
        return web.Response(text="ok")


async def answer(port: int, name: str = "X-Api-Key") -> bytes:
    """To a client that sends a key of its own, which is not to reach the service."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    own = f"{name}: of-the-client\r\n".encode()
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%b\r\n" % own)
    text = await reader.read()
    writer.close()
    return text


def in_front_of(world: World, *more: str, **environ: str) -> Program:
    return Program(
        world.url,
        *("--ca-file", str(world.ca_file), "-l", "127.0.0.1:0", "--no-access-log"),
        *("--credentials", "metadata"),
        *more,
        environ={**world.environment, **environ},
    )


async def test_a_key_comes_from_secret_manager_with_the_identity_of_the_service() -> None:
    noted = Noted()
    async with World(app=noted.handle, token_life_s=600) as world:
        manager = world.google.secret_manager
        manager.readers.add(METADATA_EMAIL)
        manager.add_version(SECRET, b"first-partner-key\n")
        async with in_front_of(world, "--api-key", f"secret:{SECRET}") as proxy:
            await proxy.hear(f"secret {SECRET}/versions/latest as {METADATA_EMAIL} from Secret")
            for _ in range(3):
                assert (await answer(proxy.port)).startswith(b"HTTP/1.1 200 ")

    assert ["first-partner-key"] * 3 == noted.keys
    assert 1 == world.google.secrets.calls
    assert "first-partner-key" not in proxy.stderr


async def test_any_header_may_carry_a_secret_and_a_version_may_be_named() -> None:
    noted = Noted()
    async with World(app=noted.handle, token_life_s=600) as world:
        manager = world.google.secret_manager
        manager.readers.add(METADATA_EMAIL)
        manager.add_version(SECRET, b"old-partner-key")
        manager.add_version(SECRET, b"new-partner-key")
        header = f"X-Partner-Key: secret:{SECRET}/versions/1"
        async with in_front_of(world, AUTHPROXY_SECRET_HEADERS=header) as proxy:
            await answer(proxy.port, "X-Partner-Key")

    assert ["old-partner-key"] == noted.keys


async def test_without_its_secret_nothing_reaches_the_service_and_the_answer_says_what_to_run() -> (
    None
):
    noted = Noted()
    async with World(app=noted.handle, token_life_s=600) as world:
        manager = world.google.secret_manager
        manager.add_version(SECRET, b"first-partner-key")
        async with in_front_of(world, "--api-key", f"secret:{SECRET}") as proxy:
            refused = await answer(proxy.port)
            assert [] == noted.keys
            manager.readers.add(METADATA_EMAIL)
            await proxy.hear(f"secret {SECRET}/versions/latest available again")
            await answer(proxy.port)

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"X-Authproxy-Error: secret_unavailable\r\n" in refused
    assert b"\r\nRetry-After: " in refused
    assert f"{METADATA_EMAIL} may not read it, or there is no such secret".encode() in refused
    assert (
        "gcloud secrets add-iam-policy-binding billing-key --project=acme-prod"
        f" --member=serviceAccount:{METADATA_EMAIL} --role=roles/secretmanager.secretAccessor"
    ).encode() in refused
    assert ["first-partner-key"] == noted.keys


async def test_a_key_in_a_file_is_read_anew_when_it_changes(tmp_path: Path) -> None:
    noted, file = Noted(), tmp_path / "key"
    file.write_text("first-partner-key\n")
    file.chmod(0o600)
    async with (
        World(app=noted.handle, token_life_s=600) as world,
        in_front_of(world, "--api-key", f"file:{file}") as proxy,
    ):
        await answer(proxy.port)
        file.write_text("second-partner-key\n")
        await proxy.hear(f"the new secret in {file} is now in use: file:{file}")
        await answer(proxy.port)

    assert ["first-partner-key", "second-partner-key"] == noted.keys
    assert "partner-key" not in proxy.stderr


async def test_clients_keys_in_a_file_are_read_anew_when_it_changes(tmp_path: Path) -> None:
    file, config = tmp_path / "keys", tmp_path / "authproxy.toml"
    file.write_text("0123456789-0123456789-old\n")
    file.chmod(0o600)
    config.write_text('[keys.ci]\nfile = "keys"\n')
    async with (
        World(token_life_s=600) as world,
        in_front_of(world, "--config", str(config)) as proxy,
    ):

        async def status(key: str) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            head = f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {key}\r\n\r\n"
            writer.write(head.encode())
            line = await reader.readline()
            writer.close()
            return line.split()[1]

        before = [await status(f"0123456789-0123456789-{which}") for which in ("old", "new")]
        file.write_text("0123456789-0123456789-new\n")
        await proxy.hear(f"the new set of keys in {file} is now in use")
        after = [await status(f"0123456789-0123456789-{which}") for which in ("old", "new")]

    assert [b"200", b"401"] == before
    assert [b"401", b"200"] == after
