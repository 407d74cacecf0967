"""Keys that act as service accounts, through a whole authproxy and the pretend Google."""

import hashlib
import json
from pathlib import Path

import aiohttp

from authproxy.demo.world import World
from tests.e2e.test_access import ask, code_of
from tests.support.program import Program, run_to_end

ROBOT, CI, BROKEN = (f"{name}@p.iam.gserviceaccount.com" for name in ("robot", "ci", "broken"))


def key(name: str, more: str) -> str:
    digest = hashlib.sha256(f"apk_{name}_{'0' * 30}".encode()).hexdigest()
    return f'[keys.{name}]\nsha256 = "{digest}"\n{more}\n'


def shown(name: str) -> str:
    return f"X-Api-Key: apk_{name}_{'0' * 30}"


ADMIN = {"AUTHPROXY_ADMIN_KEY": "env:ADMIN", "ADMIN": "a-key-of-sixteen-and-more"}
BEARER = {"Authorization": f"Bearer {ADMIN['ADMIN']}"}
KEYS = {"plain": "", "ci": f'impersonate = "{CI}"\nmethods = "read-only"\npaths = "/echo"'}


def configured(tmp_path: Path, world: World, keys: dict[str, str], more: str = "") -> Path:
    """A file for a service of the world that these keys open, all as ROBOT or as CI."""
    world.google.accounts.allow_acting_as(CI, by=ROBOT)
    world.cloud_run.gate.invokers |= {ROBOT, CI}
    file = tmp_path / "authproxy.toml"
    file.write_text(
        f'listen = "127.0.0.1:0"\n{more}'
        + "".join(key(name, rights) for name, rights in keys.items())
        + f'[services.hello]\nurl = "{world.url}"\nca_file = "{world.ca_file}"\n'
        f'credentials = "file:{world.service_account_file(ROBOT)}"\n'
    )
    return file


async def test_each_key_is_its_own_caller_or_nobody(world: World, tmp_path: Path) -> None:
    keys = KEYS | {"broken": f'impersonate = "{BROKEN}"'}
    file = configured(tmp_path, world, keys)
    async with Program("-c", file, environ=world.environment, log_format="json") as program:
        answers = {
            (name, method, target): await ask(
                program.port,
                shown(name),
                "Content-Length: 0",
                method=method,
                target=target,
            )
            for name, method, target in (
                ("plain", "GET", "/echo"),
                ("ci", "GET", "/echo/b"),
                ("ci", "POST", "/echo"),
                ("ci", "GET", "/echo/../whoami"),
                ("broken", "GET", "/echo"),
                ("plain", "GET", "/whoami"),
            )
        }
        await program.hear('"path": ?"/whoami"')

    assert [
        *("200", "200", "403 key_not_allowed", "403 key_not_allowed"),
        *("503 token_unavailable", "200"),
    ] == [code_of(each) for each in answers.values()]
    assert [ROBOT, CI, ROBOT] == [each.principal for each in world.cloud_run.seen]
    assert BROKEN.encode() in answers["broken", "GET", "/echo"]
    lines = [line for line in program.stderr.splitlines() if '"/echo/b"' in line]
    assert any(CI in line and '"ci"' in line for line in lines)


async def test_what_a_key_may_not_is_told_to_grpc_in_trailers_and_to_mcp_as_to_everybody(
    world: World, tmp_path: Path
) -> None:
    """What somebody sends who was kept out is not looked at, so there is no id to answer to."""
    mcp = ("Accept: application/json, text/event-stream", "Content-Type: application/json")
    call = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/list"})
    file = configured(tmp_path, world, KEYS)
    async with Program("-c", file, environ=world.environment) as program:
        grpc = await ask(
            program.port,
            *(shown("ci"), "Content-Type: application/grpc", "TE: trailers", "Content-Length: 0"),
            method="POST",
            target="/echo.Echo/Say",
        )
        told = await ask(
            program.port,
            *(shown("ci"), *mcp, f"Content-Length: {len(call)}"),
            method="POST",
            target="/echo",
            after=call.encode(),
        )

    assert grpc.startswith(b"HTTP/1.1 200 ")
    assert b"grpc-status: 7" in grpc.lower()
    assert b"[keys.ci]" in grpc
    assert "403 key_not_allowed" == code_of(told)
    assert "[keys.ci]" in json.loads(told.partition(b"\r\n\r\n")[2])["hint"]
    assert not world.cloud_run.seen


async def test_a_preflight_shows_no_key_and_the_request_behind_it_must(
    world: World, tmp_path: Path
) -> None:
    page = "Origin: https://page.example"
    asks = (
        page,
        "Access-Control-Request-Method: DELETE",
        "Access-Control-Request-Headers: x-api-key",
    )
    file = configured(tmp_path, world, KEYS, 'allow_origins = "https://page.example"\n')
    async with Program("-c", file, environ=world.environment) as program:
        preflight = await ask(program.port, *asks, method="OPTIONS", target="/echo")
        answers = [
            code_of(await ask(program.port, page, *more, method=method, target="/echo"))
            for method, more in (
                ("GET", ()),
                ("GET", (shown("ci"),)),
                ("DELETE", (shown("ci"),)),
                ("OPTIONS", ()),
            )
        ]

    assert "204 preflight" == code_of(preflight)
    assert b"Access-Control-Allow-Methods: DELETE" in preflight
    assert ["401 key_required", "200", "403 key_not_allowed", "401 key_required"] == answers


async def test_readiness_names_the_account_without_a_token_until_a_reload_takes_it_out(
    world: World, tmp_path: Path
) -> None:
    admin = 'admin = "127.0.0.1:0"\n'
    file = configured(tmp_path, world, KEYS | {"broken": f'impersonate = "{BROKEN}"'}, admin)
    async with (
        Program("-c", file, environ=world.environment | ADMIN) as program,
        aiohttp.ClientSession(headers=BEARER) as http,
    ):
        url = (await program.hear(r"^authproxy: admin: (\S+)$"))[1]
        for pattern in ("no identity token for", f"as {CI} from", f"as {ROBOT} from"):
            await program.hear(pattern)
        async with http.get(f"{url}/readiness?verbose") as answer:
            before = answer.status, await answer.text()
        file.write_text(file.read_text().replace(BROKEN, CI))
        async with http.post(f"{url}/-/reload") as answer:
            reloaded = answer.status
        passed = code_of(await ask(program.port, shown("broken"), target="/echo"))
        async with http.get(f"{url}/readiness?verbose") as answer:
            after = answer.status, await answer.text()

    assert (503, 200, "200", 200) == (before[0], reloaded, passed, after[0])
    assert f"For keys that act as {BROKEN}: " in before[1]
    assert BROKEN not in after[1]
    assert CI == world.cloud_run.seen[-1].principal


async def test_a_replay_goes_as_the_account_of_the_key_that_is_put_in(
    world: World, tmp_path: Path
) -> None:
    more = 'admin = "127.0.0.1:0"\n[inspect]\nrecord = "on"\n'
    file = configured(tmp_path, world, KEYS, more)
    async with (
        Program("-c", file, environ=world.environment | ADMIN) as program,
        aiohttp.ClientSession(headers=BEARER) as http,
    ):
        url = (await program.hear(r"^authproxy: admin: (\S+)$"))[1]
        await ask(program.port, shown("plain"), target="/echo")

        async def replay(*fields: list[str]) -> tuple[int, str]:
            given = json.dumps({"headers": fields})
            async with http.post(f"{url}/api/exchanges/1/replay", data=given) as answer:
                found = await answer.json()
            return found["status"], found["principal"]

        ci = ["X-Api-Key", shown("ci").partition(": ")[2]]
        found = [await replay(), await replay(ci)]

    assert [(401, ""), (200, CI)] == found
    assert [ROBOT, CI] == [each.principal for each in world.cloud_run.seen]


async def test_the_doctor_examines_each_account_of_a_service(world: World, tmp_path: Path) -> None:
    file = configured(tmp_path, world, KEYS | {"broken": f'impersonate = "{BROKEN}"'})
    code, out, _ = await run_to_end("doctor", "-c", file, environ=world.environment)

    parts = out.split("\nhello")
    assert f"{ROBOT} from" in parts[1]
    assert parts[2].startswith(f" as {CI} {world.url}")
    assert f"{CI} may call it" in parts[2]
    assert parts[3].startswith(f" as {BROKEN} ")
    assert (16, True) == (code, f"Fix token of hello as {BROKEN} first" in out)
