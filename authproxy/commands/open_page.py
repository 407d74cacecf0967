"""Opens the inspector's page in the browser, for `authproxy status --open` and `run --open`.

The browser gets an address that works once: its arguments can be read by all users of the machine.
"""

import json
import os
import threading
import webbrowser
from collections.abc import Callable, Mapping

from authproxy.admin_file import read_own
from authproxy.commands.admin_target import NoAdminError, find_admin
from authproxy.commands.status import (
    ADMIN_MARK,
    REFUSED,
    TIMEOUT_S,
    StatusTarget,
    nothing_answers,
    target_of,
    why_refused,
)
from authproxy.commands.status_request import ask

Say = Callable[[str], object]


def run(
    address: str | None, environ: Mapping[str, str], say: Say, explain: Say, *, by_browser: bool
) -> int:
    """The page of the authproxy that `authproxy status` finds; the exit code. Without a browser,
    or without `by_browser`, its address goes to `say`."""
    try:
        url = page_url(find_admin(address, environ, "status --open"))
    except NoAdminError as error:
        explain(str(error))
        return error.code
    if by_browser and _open(url):
        explain(f"opened {url.partition('?')[0]} in the browser")
    else:
        explain("no browser was found; open this address, which works once and for a minute:")
        say(url)
    return 0


def run_own(explain: Say, environ: Mapping[str, str]) -> None:
    """The page of this process, in a thread: our own loop has to answer."""

    def show() -> None:
        try:
            file = read_own(environ)
            if file is None or not _open(page_url(target_of(file))):
                explain("no browser was found; open the page by: authproxy status --open")
        except NoAdminError as error:
            explain(str(error))

    threading.Thread(target=show, name="browser", daemon=True).start()


def page_url(target: StatusTarget) -> str:
    """With what opens it once. Raises NoAdminError."""
    if target.listen.path is not None:
        message = f"the admin listener is at {target.listen}, where no browser can go"
        raise NoAdminError(f"{message}; choose a port: --admin 4040")
    key = target.key.reveal() if target.key else ""
    try:
        reply = ask(target.listen, "/api/ticket", key=key, method="POST", timeout_s=TIMEOUT_S)
    except OSError as error:
        raise NoAdminError(nothing_answers(target, error)) from None
    if reply.status == 200 and reply.has(ADMIN_MARK):
        return f"http://{target.listen}/?key={json.loads(reply.body)['ticket']}"
    if reply.status in REFUSED:
        raise NoAdminError(why_refused(reply, target, "the page"))
    raise NoAdminError(f"the admin listener at {target.listen} answers {reply.status or 'nothing'}")


def _open(url: str) -> bool:
    """Those that draw in the terminal are not meant, unless $BROWSER names one."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    is_chosen = bool(os.environ.get("BROWSER"))
    return (is_chosen or type(browser) is not webbrowser.GenericBrowser) and browser.open(url)
