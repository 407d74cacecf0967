"""Keys that act as service accounts, through a whole authproxy and the pretend Google."""

import hashlib
from pathlib import Path

from authproxy.demo.world import World
from tests.e2e.test_access import ask, code_of
from tests.support.program import Program

ROBOT, CI, BROKEN = (f"{name}@p.iam.gserviceaccount.com" for name in ("robot", "ci", "broken"))


def key(name: str, more: str) -> str:
    digest = hashlib.sha256(f"apk_{name}_{'0' * 30}".encode()).hexdigest()
    return f'[keys.{name}]\nsha256 = "{digest}"\n{more}\n'


async def test_each_key_is_its_own_caller_or_nobody(world: World, tmp_path: Path) -> None:
    accounts = world.google.accounts
    source = world.service_account_file(ROBOT)
    accounts.allow_acting_as(CI, by=ROBOT)
    world.cloud_run.gate.invokers |= {ROBOT, CI}
    file = tmp_path / "authproxy.toml"
    file.write_text(
        'listen = "127.0.0.1:0"\n'
        + key("plain", "")
        + key("ci", f'impersonate = "{CI}"\nmethods = "read-only"\npaths = "/echo"')
        + key("broken", f'impersonate = "{BROKEN}"')
        + f'[services.hello]\nurl = "{world.url}"\nca_file = "{world.ca_file}"\n'
        f'credentials = "file:{source}"\n'
    )

    async with Program("-c", file, environ=world.environment, log_format="json") as program:
        answers = {
            (name, method, target): await ask(
                program.port,
                f"X-Api-Key: apk_{name}_{'0' * 30}",
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
