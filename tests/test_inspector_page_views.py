"""The page's files as they are served; what the page does is tried in browsers, in e2e."""

import gzip
import re
from pathlib import Path

import pytest

from authproxy.errors import Code
from authproxy.inspector import page_views as module
from authproxy.inspector.page_views import POLICY, PageFiles, page_views
from tests.support.admin import BEARER, admin_listener

FOLDER = Path(module.__file__).parent / "page"
FILES = sorted(FOLDER.iterdir())
SCRIPTS = [file for file in FILES if file.suffix == ".js"]
LONGEST = 350
NAMED_ONLY = ("http://www.w3.org/2000/svg", "http://127.0.0.1:4040/?key=", "http://localhost/")
"""Addresses that are in the files: a name space, and what a person may type."""


async def test_the_page_is_for_who_has_the_key() -> None:
    async with admin_listener(page_views()) as admin:
        version = PageFiles().version
        for path in ("/", f"/page/{version}/app.js"):
            assert 401 == (await admin.ask(path))[0]
            assert 200 == (await admin.ask(path, **BEARER))[0]


async def test_the_page_names_files_that_browsers_keep_for_good() -> None:
    async with admin_listener(page_views()) as admin:
        _, fields, text = await admin.ask("/", **BEARER)
        paths = re.findall(r'(?:href|src)="(/[^"]+)"', text)
        answers = [await admin.ask(path, **BEARER) for path in paths]

    assert "private, no-cache" == fields["cache-control"]
    assert len(paths) > 10
    assert {200} == {status for status, _, _ in answers}
    assert {"private, max-age=31536000, immutable"} == {f["cache-control"] for _, f, _ in answers}


async def test_every_file_says_its_type_and_what_the_page_may_do() -> None:
    async with admin_listener(page_views()) as admin:
        version = PageFiles().version
        for file in FILES:
            path = "/" if file.name == "index.html" else f"/page/{version}/{file.name}"
            _, fields, text = await admin.ask(path, **BEARER)
            assert f"{module.TYPES[file.suffix]}; charset=utf-8" == fields["content-type"]
            assert POLICY == fields["content-security-policy"]
            assert "nosniff" == fields["x-content-type-options"]
            assert file.read_text().replace("VERSION", version) == text.replace("VERSION", version)


async def test_what_a_browser_has_is_not_sent_again() -> None:
    async with admin_listener(page_views()) as admin:
        _, first, _ = await admin.ask("/", **BEARER)
        status, fields, text = await admin.ask("/", If_None_Match=first["etag"], **BEARER)
        other, _, _ = await admin.ask("/", If_None_Match='"other"', **BEARER)

    assert (304, "", 200) == (status, text, other)
    assert first["etag"] == fields["etag"]


@pytest.mark.parametrize(
    ("accepts", "compressed"), [("gzip, br", True), ("identity", False), ("", False)]
)
async def test_files_are_compressed_for_who_takes_that(accepts: str, compressed: bool) -> None:
    path = f"/page/{PageFiles().version}/app.js"
    async with (
        admin_listener(page_views()) as admin,
        admin.session.get(
            admin.url + path, headers=BEARER | {"Accept-Encoding": accepts}
        ) as answer,
    ):
        text = await answer.text()

    assert compressed is ("Content-Encoding" in answer.headers)
    assert "Accept-Encoding" == answer.headers["Vary"]
    assert (FOLDER / "app.js").read_text() == text


@pytest.mark.parametrize(
    "path",
    [
        "/page/0123456789abcdef/app.js",
        "/page/VERSION/none.js",
        "/page/VERSION/index.html",
        "/page/VERSION/..%2fapi.py",
        "/page/VERSION/",
    ],
)
async def test_there_is_nothing_else(path: str) -> None:
    async with admin_listener(page_views()) as admin:
        status, _, _ = await admin.ask(path.replace("VERSION", PageFiles().version), **BEARER)

    assert 404 == status


def test_version_tells_two_sets_of_files_apart() -> None:
    one, two = PageFiles(), PageFiles()

    assert one.version == two.version
    assert re.fullmatch("[0-9a-f]{16}", one.version)
    assert "<PageFiles>" == repr(one)


def test_compressed_files_are_those_files() -> None:
    found = PageFiles().find("base.css")

    assert found is not None
    assert found.content == gzip.decompress(found.compressed)


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.stem)
def test_a_module_imports_what_is_there(file: Path) -> None:
    wanted = re.findall(
        r'(?:from |import |import\(|load\(|")(?:")?(\./[a-z-]+\.js)"', file.read_text()
    )

    assert [] == [name for name in wanted if not (FOLDER / name).exists()]


def test_every_code_is_explained() -> None:
    explained = re.findall(r"^  (\w+): ", (FOLDER / "reasons.js").read_text(), re.MULTILINE)

    assert [str(code) for code in Code] == explained


NEVER = (
    r"\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    r"|DOMParser|createContextualFragment|srcdoc|setHTML|javascript:|\.onclick|style=\""
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_file_makes_elements_of_text(file: Path) -> None:
    assert [] == re.findall(NEVER, file.read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_file_asks_for_anything_elsewhere(file: Path) -> None:
    addresses = re.findall(r"(?:https?|wss?):/[^\s\"'`<]*", file.read_text())

    assert [] == [each for each in addresses if not each.startswith(NAMED_ONLY)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_fits_a_sitting(file: Path) -> None:
    assert len(file.read_text().splitlines()) < LONGEST
