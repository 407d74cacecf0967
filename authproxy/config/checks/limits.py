"""Bounds that never take hold, and amounts that look like those of another unit."""

from collections.abc import Iterator, Mapping

from authproxy.config.checks.draft import Draft
from authproxy.config.readers.setting_names import Path
from authproxy.errors import Problem
from authproxy.settings import TimeoutSettings

SHORT_S = {"connect": 300, "head": 300, "token": 300, "drain": 600, "scale_up": 600}
"""What takes longer than this many seconds is more likely to be meant in milliseconds."""
MIN_S = {"connect": 0.02, "head": 0.02, "token": 0.05, "first_byte": 0.02}
SMALL_BODY = 1024
YEAR_S = 366 * 86400


def check_limits(draft: Draft) -> Iterator[Problem]:
    """Of limits and timeouts, those of services included; and of what the inspector keeps."""
    yield from _limits(draft)
    yield from _kept(draft)
    settings = draft.settings
    keys = {name: ("timeouts", name) for name in TimeoutSettings.model_fields}
    yield from _timeouts(draft, settings.timeouts, keys)
    for path, service in draft.services():
        own = {
            name: (*path, f"{name}_timeout")
            for name in ("connect", "first_byte", "stream_idle", "total")
            if (*path, f"{name}_timeout") in draft.entries
        }
        if own:
            yield from _timeouts(draft, settings.timeouts_of(service), own)


def _limits(draft: Draft) -> Iterator[Problem]:
    limits = draft.settings.limits

    def given(key: str) -> bool:
        return ("limits", key) in draft.entries

    if given("burst") and limits.burst and not limits.requests_per_second:
        yield draft.warning(
            ("limits", "burst"), "has no effect: there is no limit; add requests_per_second"
        )
    if given("connections_per_client") and 0 < limits.connections <= limits.connections_per_client:
        yield draft.warning(
            ("limits", "connections_per_client"),
            f"has no effect: there are no more than {limits.connections} connections of all"
            " clients",
        )
    if given("target_bytes") and limits.target_bytes > limits.head_bytes:
        yield draft.warning(
            ("limits", "target_bytes"),
            f"has no effect: the whole head has {limits.head_bytes} bytes at most; raise"
            " head_bytes",
        )
    if given("body_bytes") and 0 < limits.body_bytes < SMALL_BODY:
        yield draft.warning(
            ("limits", "body_bytes"),
            f"{limits.body_bytes} is a number of bytes, too few for most requests; for megabytes"
            f" write {limits.body_bytes}MB",
        )


def _kept(draft: Draft) -> Iterator[Problem]:
    """A request and its answer have a body each."""
    inspect = draft.settings.inspect
    if 2 * inspect.body_bytes > inspect.memory:
        given = ("inspect", "body_bytes") in draft.entries
        yield draft.problem(
            ("inspect", "body_bytes" if given else "memory"),
            f"bodies of {inspect.body_bytes} bytes do not fit into {inspect.memory} bytes of"
            " memory, a request's and its answer's; set inspect.body_bytes to"
            f" {inspect.memory // 2} at most, or inspect.memory to {2 * inspect.body_bytes}",
        )


def _timeouts(
    draft: Draft, timeouts: TimeoutSettings, keys: Mapping[str, Path]
) -> Iterator[Problem]:
    for name, path in keys.items():
        value = getattr(timeouts, name)
        if path not in draft.entries:
            continue
        if value > SHORT_S.get(name, value):
            yield draft.warning(
                path, f"{value:g} is {_in_words(value)}; for milliseconds write {value:g}ms"
            )
        if value < MIN_S.get(name, 0):
            yield draft.warning(
                path,
                f"{value:g} is a number of seconds, too short for most requests",
            )
        if name in ("connect", "first_byte", "stream_idle") and 0 < timeouts.total < value:
            yield draft.warning(
                path,
                f"has no effect: the whole exchange ends after {timeouts.total:g} s, by total",
            )


def _in_words(seconds: float) -> str:
    if seconds > YEAR_S:
        return "more than a year"
    hours, rest = divmod(round(seconds), 3600)
    minutes = rest // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
