"""Who asks for a reload, of the program as a whole."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import cast

import aiohttp

from authproxy.runtime.deployment import Deployment
from authproxy.runtime.reload import ConfigOrigin, Reloader, has_terminal, reloads_on_hangup
from authproxy.settings import Settings
from tests.support.configuring import URL, settings
from tests.support.program import Program, clean_environment, run_to_end
from tests.support.raw import OK, always, raw_service

KEY = "a-key-of-sixteen-and-more"


def config(url: str, rules: str, top: str = "") -> str:
    return (
        f'listen = ["127.0.0.1:0"]\nadmin = "127.0.0.1:0"\nadmin_key = "env:KEY"\n{top}\n'
        f'[services.a]\nurl = "{url}"\ncredentials = "none"\nadd_headers = ["Rules: {rules}"]\n'
    )


async def ask(url: str, method: str = "GET") -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


class Slow:
    """A proxy whose configuration is its settings, and takes its time to be prepared."""

    is_ending = False

    def __init__(self) -> None:
        self.settings = settings(urls=[URL])
        self.began, self.may_go_on = asyncio.Event(), asyncio.Event()

    def build(self, settings: Settings) -> Deployment:
        return cast(Deployment, settings)

    async def prepare(self, _: Deployment) -> None:
        self.began.set()
        await self.may_go_on.wait()

    def drop(self, _: Deployment | None) -> None: ...

    async def use(self, built: Deployment) -> None:
        self.settings = cast(Settings, built)


async def test_what_was_renewed_meanwhile_does_not_bring_the_settings_before_back() -> None:
    proxy = Slow()
    reloader = Reloader(None, proxy, lambda _: None)
    new = settings(urls=[URL], flags={"--deny": ("192.0.2.1",)})
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(reloader.renew("a file has changed"))
        await proxy.began.wait()
        tasks.create_task(reloader.use(cast(Deployment, new)))
        await asyncio.sleep(0)
        proxy.may_go_on.set()

    assert new is proxy.settings


async def test_the_admin_listener_reloads_and_says_every_problem(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    async with raw_service(always(OK)) as service:
        file.write_text(config(service.url, "one"))
        async with Program("-c", file, environ={"KEY": KEY}) as program:
            admin = (await program.hear(r"^authproxy: admin: (\S+)$"))[1]
            environ = {"KEY": KEY, "AUTHPROXY_ADMIN_KEY": "env:KEY"}
            file.write_text(config(service.url, "two", 'hosts = ["x.example"]'))
            address = admin.removeprefix("http://")
            code, said, _ = await run_to_end("check", "--running", address, environ=environ)
            good = await ask(f"{admin}/-/reload", "POST")
            await ask(program.url)
            file.write_text(config(service.url, "three", 'deny = ["x"]\nhosts = [""]'))
            bad = await ask(f"{admin}/-/reload", "POST")
            ready, why = await ask(f"{admin}/readiness")
            _, metrics = await ask(f"{admin}/metrics")
            _, report = await ask(f"{admin}/api/status")

    assert 3 == code
    assert "  hosts changes" in said
    assert (200, ["hosts changes", "service a: add_headers changes"]) == (
        good[0],
        json.loads(good[1])["changes"],
    )
    assert b"Rules: two" in service.heads[-1]
    assert (400, 2) == (bad[0], len(json.loads(bad[1])["problems"]))
    assert 200 == ready
    assert json.loads(bad[1])["problems"] == json.loads(why.splitlines()[-1])["problems"]
    assert json.loads(bad[1])["problems"] == json.loads(report)["reload_problems"]
    assert 'authproxy_config_reloads_total{result="ok"} 1.0' in metrics
    assert 'authproxy_config_reloads_total{result="failed"} 1.0' in metrics
    assert "three" not in program.stderr


async def test_a_hangup_and_a_changed_file_reload_where_there_is_no_terminal(
    tmp_path: Path,
) -> None:
    file = tmp_path / "authproxy.toml"
    async with raw_service(always(OK)) as service:
        file.write_text(config(service.url, "one", 'reload = "on-change"'))
        # A session of its own has no terminal that could be closed.
        command = (sys.executable, "-m", "authproxy", "-c", str(file))
        environ = clean_environment({"KEY": KEY, "AUTHPROXY_LOG_FORMAT": "text"})
        process = await asyncio.create_subprocess_exec(
            *command, env=environ, stderr=asyncio.subprocess.PIPE, start_new_session=True
        )
        assert process.stderr is not None
        said = b""
        async with asyncio.timeout(20):
            said += await process.stderr.readuntil(b"admin: ")
            process.send_signal(signal.SIGHUP)
            said += await process.stderr.readuntil(b"(SIGHUP): nothing has changed")
            file.write_text(config(service.url, "two", 'reload = "on-change"'))
            said += await process.stderr.readuntil(b"has changed): service a: add_headers")
            process.terminate()
            await process.communicate()

    assert 143 == process.returncode


def test_a_hangup_reloads_only_what_has_a_file_and_no_terminal() -> None:
    def read() -> tuple[object, tuple[()]]:
        return settings(urls=[URL]), ()

    without = ConfigOrigin(read=read)  # type: ignore[arg-type]  # -- never called

    assert not reloads_on_hangup(None)
    assert not reloads_on_hangup(without)


def test_a_terminal_is_found_by_what_controls_the_process() -> None:
    code = "from authproxy.runtime.reload import has_terminal\nimport sys\nsys.exit(has_terminal())"
    import pty  # not every system has it

    pid, master = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", code])
    _, status = os.waitpid(pid, 0)
    os.close(master)

    assert 1 == os.waitstatus_to_exitcode(status)
    assert isinstance(has_terminal(), bool)
