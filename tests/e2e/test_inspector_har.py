"""HAR files of a whole authproxy, read by those who will: the tools of Chromium and of Firefox, by
the very code behind their buttons, and by a validator of the format."""

import asyncio
import json
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from authproxy.demo.world import World
from tests.support.behind import free_port
from tests.support.browser import open_page
from tests.support.inspecting import KEY, program, service
from tests.support.marionette import open_marionette

pytestmark = [pytest.mark.outside, pytest.mark.timeout(120)]

VALIDATOR = "har-validator@5.1.5"
URLS = ["/items?a=b", "/items", "/refused", "/ws"]
IN_CHROMIUM = """(async () => {
  const {HARFormat, Importer} = await import('./models/har/har.js');
  const root = new HARFormat.HARRoot(JSON.parse(TEXT));
  const found = Importer.Importer.requestsFromHARLog(root.log);
  return Promise.all(found.map(async each => ({
    method: each.requestMethod, url: each.url(), status: each.statusCode, took: each.duration,
    type: each.resourceType().name(), fields: each.responseHeaders.length,
    asked: await each.requestFormData(), got: (await each.requestContentData()).text,
    frames: each.frames().map(frame => [frame.type, frame.opCode, frame.text]),
  })));
})()"""
IN_FIREFOX = """
const {require} = ChromeUtils.importESModule("resource://devtools/shared/loader/Loader.sys.mjs");
const {HarImporter} = require("resource://devtools/client/netmonitor/src/har/har-importer.js");
const found = {};
const actions = {
  addRequest: (id, data) => { found[id] = data; },
  updateRequest: (id, data) => Object.assign(found[id], data),
};
const known = (_, name) => actions[name] ?? (() => null);
new HarImporter(new Proxy({}, {get: known})).import(arguments[0]);
return JSON.stringify(Object.values(found));
"""
IN_NODE = """
const validate = require(process.argv[1]);
let text = '';
process.stdin.on('data', piece => { text += piece; });
process.stdin.on('end', () => validate.har(JSON.parse(text)).then(
  () => console.log('valid'), error => console.log(JSON.stringify(error.errors))));
"""


async def har_file() -> str:
    """Of a request with a body, an answer without one, a refusal, and a WebSocket."""
    port = free_port()
    async with (
        World(app=service) as world,
        AsyncExitStack() as stack,
        aiohttp.ClientSession() as session,
    ):
        proxy = await stack.enter_async_context(program(world, port))
        await session.post(f"{proxy.url}/items?a=b", json={"a": "ü"}, headers={"Cookie": "c=1"})
        await session.head(f"{proxy.url}/items")
        await session.get(f"{proxy.url}/refused", headers={"Host": "evil.example"})
        async with session.ws_connect(f"{proxy.url}/ws") as socket:
            await socket.send_str("one")
            await socket.receive()
        auth = {"Authorization": f"Bearer {KEY}"}
        async with session.get(f"http://127.0.0.1:{port}/api/exchanges/har", headers=auth) as got:
            return await got.text()


def paths(urls: list[str]) -> list[str]:
    return ["/" + url.split("/", 3)[3] for url in urls]


async def test_chromiums_tools_show_all_of_it(tmp_path: Path) -> None:
    text = await har_file()
    async with open_page("devtools://devtools/bundled/devtools_app.html", tmp_path) as page:
        await page.wait_for("location.protocol == 'devtools:'")
        found: Any = await page.evaluate(IN_CHROMIUM.replace("TEXT", json.dumps(text)))

    assert URLS == paths([each["url"] for each in found])
    assert ["POST", "HEAD", "GET", "GET"] == [each["method"] for each in found]
    assert [200, 200, 421, 101] == [each["status"] for each in found]
    assert {"a": "ü"} == json.loads(found[0]["asked"])
    assert "/items?a=b" == json.loads(found[0]["got"])["path"]
    assert all(each["took"] >= 0 and each["fields"] for each in found)
    assert "websocket" == found[3]["type"]
    assert [["send", 1, "one"], ["receive", 1, "echo of one"]] == found[3]["frames"][:2]


async def test_firefoxs_tools_show_all_of_it(tmp_path: Path) -> None:
    text = await har_file()
    async with open_marionette(tmp_path / "profile") as firefox:
        found = json.loads(await firefox.run(IN_FIREFOX, text))

    assert URLS == paths([each["url"] for each in found])
    assert ["POST", "HEAD", "GET", "GET"] == [each["method"] for each in found]
    assert [200, 200, 421, 101] == [each["status"] for each in found]
    assert {"a": "ü"} == json.loads(found[0]["requestPostData"]["postData"]["text"])
    assert "/items?a=b" == json.loads(found[0]["responseContent"]["content"]["text"])["path"]
    assert all(each["totalTime"] >= 0 and not each.get("remotePort") for each in found)


async def test_a_validator_of_the_format_finds_nothing(tmp_path: Path) -> None:
    text = await har_file()
    said = await asyncio.to_thread(validated, text, tmp_path)

    assert "valid" == said


def validated(text: str, folder: Path) -> str:
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
    subprocess.run(["npm", "install", "--prefix", folder, *quiet, VALIDATOR], check=True)
    module = folder / "node_modules/har-validator/lib/promise.js"
    command = ["node", "-e", IN_NODE, str(module)]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=True
    ).stdout.strip()
