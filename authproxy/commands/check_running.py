"""`authproxy check --running`: what a reload would change, as the authproxy that runs finds it."""

import json as jsonlib
from collections.abc import Callable, Mapping
from typing import Any

from authproxy.commands import status
from authproxy.commands.admin_target import NoAdminError, find_admin
from authproxy.commands.status_request import Reply, ask

TIMEOUT_S = 70.0
"""It reads the whole configuration, perhaps from a network drive."""
SAME, NO_ANSWER, NOT_VALID, OTHER = 0, 1, 2, 3
"""Exit codes."""


def run(
    address: str | None,
    environ: Mapping[str, str],
    say: Callable[[str], object],
    *,
    json: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> int:
    """Say it, and give the exit code."""
    try:
        target = find_admin(address, environ, "check --running")
    except NoAdminError as error:
        say(f"authproxy: {error}")
        return error.code
    try:
        key = target.key.reveal() if target.key else ""
        reply = ask(target.listen, "/-/reload", key=key, timeout_s=timeout_s)
    except OSError as error:
        say(f"authproxy: {status.nothing_answers(target, error)}")
        return NO_ANSWER
    found = _read(reply)
    if found is None:
        say(f"authproxy: {_why_not(target, reply)}")
        return NO_ANSWER
    if json:
        say(jsonlib.dumps(found, indent=2, ensure_ascii=False))
    return _tell(found, (lambda _text: None) if json else say)


def _read(reply: Reply) -> dict[str, Any] | None:
    """None for what is no answer to that."""
    try:
        found = jsonlib.loads(reply.body)
    except ValueError:
        return None
    is_answer = isinstance(found, dict) and reply.has(status.ADMIN_MARK) and "status" in found
    return found if is_answer else None


def _tell(found: Mapping[str, list[str]], say: Callable[[str], object]) -> int:
    problems = found.get("problems", [])
    if problems:
        for problem in problems:
            say(problem)
        say("The configuration is not valid; a reload would change nothing.")
        return NOT_VALID
    changes, restart = found.get("changes", []), found.get("needs_restart", [])
    for warning in found.get("warnings", []):
        say(f"warning: {warning}")
    if not (changes or restart):
        say("A reload would change nothing.")
        return SAME
    say("A reload would change this:" if changes else "A reload would change nothing by itself.")
    for change in changes:
        say(f"  {change}")
    if restart:
        say("Only a restart would change this:")
        for name in restart:
            say(f"  {name}")
    return OTHER


def _why_not(target: status.StatusTarget, reply: Reply) -> str:
    if reply.status in status.REFUSED:
        return status.why_refused(reply, target, "what a reload would change")
    return f"no admin listener answers at {target.listen}"
