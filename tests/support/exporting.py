"""Configurations that are exported, without a process."""

from pathlib import Path

from authproxy.commands import export
from authproxy.config.loading import load
from authproxy.errors import ConfigError
from authproxy.export.coverage import EngineName
from authproxy.export.plan import ExportPlan, make_plan
from authproxy.settings import Settings

TOP = """\
listen = ["127.0.0.1:8080"]
trusted_proxies = ["127.0.0.1"]
"""
REST = """\
[authorizer]
listen = "127.0.0.1:9191"
grpc = "127.0.0.1:9192"
[services.billing]
url = "https://billing-abc.a.run.app"
"""


def loaded(folder: Path, engine: EngineName, text: str = TOP + REST) -> Settings:
    """Raises ConfigError."""
    file = folder / "authproxy.toml"
    file.write_text(text)
    return load(urls=(), file=file, flags={}, environ={}, more=[export.check(engine)])


def planned(folder: Path, engine: EngineName, text: str = TOP + REST) -> ExportPlan:
    return make_plan(loaded(folder, engine, text), engine)


def written(folder: Path, engine: EngineName, text: str = TOP + REST) -> str:
    return export.export(engine, loaded(folder, engine, text))


def refusals(folder: Path, engine: EngineName, text: str) -> list[str]:
    """Each problem on a line, with the file's folder left out."""
    try:
        loaded(folder, engine, text)
    except ConfigError as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []
