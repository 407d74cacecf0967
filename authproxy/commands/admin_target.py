"""Finds the admin listener of an authproxy that runs, for commands that need one."""

from collections.abc import Mapping

from authproxy.commands.status import (
    ADMIN_MARK,
    MARK,
    TIMEOUT_S,
    StatusTarget,
    admin_at,
    chosen_key,
    find,
    knock,
    nothing_answers,
)

HOW_TO_SWITCH_ON = (
    "start authproxy with --admin 4040 --inspect, or at a terminal outside containers and CI"
)


class NoAdminError(Exception):
    """The lack of an admin listener, with why; `code` is the exit code."""

    def __init__(self, message: str, code: int = 1, *, lasts: bool = False) -> None:
        """`lasts`: waiting does not help."""
        super().__init__(message)
        self.code = code
        self.lasts = lasts


def find_admin(address: str | None, environ: Mapping[str, str], command: str) -> StatusTarget:
    """As `authproxy status` finds it, with the key. Raises NoAdminError."""
    try:
        target = find(address, environ, command)
    except ValueError as error:
        raise NoAdminError(str(error), 2) from None
    if not target.is_admin:
        _expect_admin(target)
        target = admin_at(target.listen, environ)
    try:
        key = target.key or chosen_key(environ)
    except ValueError as error:
        raise NoAdminError(str(error), 2) from None
    return StatusTarget(target.listen, is_admin=True, key=key)


def _expect_admin(target: StatusTarget) -> None:
    try:
        reply = knock(target, TIMEOUT_S)
    except OSError as error:
        raise NoAdminError(nothing_answers(target, error)) from None
    if reply.has(ADMIN_MARK):
        return
    if reply.has(MARK):
        raise NoAdminError(
            f"{target.listen} is a listener for clients, and an authproxy of yours with an admin"
            f" listener was not found; {HOW_TO_SWITCH_ON}"
        )
    raise NoAdminError(f"something answers at {target.listen}, but it is not authproxy")
