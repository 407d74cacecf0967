"""Origins of pages in the configuration: every one that there is, and no look-alike."""

import re

import pytest

from authproxy.policy.access.cross_site import normal_origin
from authproxy.values.web_origins import parse_web_origin

EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://localhost:3000", "http://localhost:3000"),
        (" HTTPS://Good.Example:443/ ", "https://good.example"),
        ("http://[0::1]:80", "http://[::1]"),
        (EXTENSION, EXTENSION),
        (f"{EXTENSION}/", EXTENSION),
        (
            "moz-extension://2C1F0C2E-6b5d-4b5c-9a35-8e2f4f1f0c11",
            "moz-extension://2c1f0c2e-6b5d-4b5c-9a35-8e2f4f1f0c11",
        ),
        (
            "safari-web-extension://5A2B1F0E-0D5C-4C1A-8F7E-1B2C3D4E5F60",
            "safari-web-extension://5a2b1f0e-0d5c-4c1a-8f7e-1b2c3d4e5f60",
        ),
        ("app://obsidian.md", "app://obsidian.md"),
        ("app://.", "app://."),
        ("app://-", "app://-"),
        ("tauri://localhost", "tauri://localhost"),
        ("http://tauri.localhost", "http://tauri.localhost"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("vscode-webview://0abc1def", "vscode-webview://0abc1def"),
        ("vscode-file://vscode-app", "vscode-file://vscode-app"),
        ("wails://wails.localhost:34115", "wails://wails.localhost:34115"),
        ("file://", "file://"),
    ],
)
def test_an_origin_of_a_page_is_read(text: str, origin: str) -> None:
    assert origin == parse_web_origin(text)
    assert origin == parse_web_origin(origin)
    assert origin.encode() == normal_origin(text.strip().removesuffix("/").encode()) or (
        text.startswith("http") or text == "file://"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "*",
            "would let every web page use your identity; name the origins, as in",
        ),
        (
            "null",
            "would let every web page use your identity; name the origins, as in",
        ),
        ("localhost:3000", "is not an origin; write http://localhost:3000"),
        ("good.example", "is not an origin; write http://good.example"),
        ("https://a/b", "is not an origin; write it without a path, as in https://a"),
        ("https://a?b", "is not an origin; write it without a path, as in https://a"),
        ("app://here/popup.html", "is not an origin; write it without a path: app://here"),
        (
            "chrome-extension://abc",
            "is no extension's origin; write chrome-extension:// and the 32",
        ),
        ("chrome-extension://*", "has a wildcard; name each origin"),
        ("https://*.good.example", "has a wildcard; name each origin"),
        (
            "wss://a:9",
            "is no page's origin, also where the page opens a WebSocket; write https://a:9",
        ),
        ("WS://a", "is no page's origin, also where the page opens a WebSocket; write http://a"),
        ("data:text/html,x", "is no origin: many kinds of pages have the origin null"),
        ("blob:https://a/1", "is no origin: many kinds of pages have the origin null"),
        ("about:blank", "is no origin: many kinds of pages have the origin null"),
        ("app://a b", "is not an origin; write scheme, host and port"),
        ("app://me@here", "is not an origin; write scheme, host and port"),
        ("", "is not an origin; write scheme, host and port"),
    ],
)
def test_what_is_no_origin_of_a_page_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f'"{text}" {sentence}')):
        parse_web_origin(text)
