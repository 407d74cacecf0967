"""A configuration from its three sources, without a process."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from authproxy.config.loading import load
from authproxy.errors import ConfigError
from authproxy.settings import Settings

URL = "https://billing-abc123-ew.a.run.app"


def settings(
    *,
    file: Path | None = None,
    urls: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    return load(urls=urls, file=file, flags=flags or {}, environ=environ or {})


def warnings(
    *,
    file: Path | None = None,
    urls: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[str]:
    """As `problems`, of a configuration that has none of those."""
    folder, found = f"{file.parent}/" if file else "\0", list[str]()
    load(
        urls=urls,
        file=file,
        flags=flags or {},
        environ=environ or {},
        warn=lambda problem: found.append(str(problem).replace(folder, "")),
    )
    return found


def problems(
    *,
    file: Path | None = None,
    urls: Sequence[str] = (),
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[str]:
    """Each problem on a line, as a user sees it and with the file's folder left out."""
    folder = f"{file.parent}/" if file else "\0"
    try:
        settings(file=file, urls=urls, flags=flags, environ=environ)
    except ConfigError as error:
        return [str(problem).replace(folder, "") for problem in error.problems]
    return []
