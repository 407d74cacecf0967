"""`authproxy export`: this configuration as a file for another proxy, with authproxy to ask."""

from functools import partial

from authproxy import __version__
from authproxy.config.validating import Check
from authproxy.export.caddy import write_caddy
from authproxy.export.checks import check_for
from authproxy.export.coverage import ENGINES, EngineName
from authproxy.export.envoy import write_envoy
from authproxy.export.nginx import write_nginx
from authproxy.export.plan import make_plan
from authproxy.settings import Settings

_HEAD = """\
# Made by authproxy export {engine} (authproxy {version}); docs/export.md says what it does.
# It asks the authproxy at {authorizer} about each request, and passes nothing without its yes.
"""
_WRITERS = {"nginx": write_nginx, "caddy": write_caddy, "envoy": write_envoy}


def named(engine: str) -> EngineName:
    """`engine`, which is the name of one. Raises StopIteration for anything else."""
    return next(name for name in ENGINES if name == engine)


def check(engine: EngineName) -> Check:
    """What there is to say against exporting a configuration."""
    return partial(check_for, engine)


def export(engine: EngineName, settings: Settings) -> str:
    """The file for `engine`, of settings that have passed `check`."""
    plan = make_plan(settings, engine)
    head = _HEAD.format(engine=engine, version=__version__, authorizer=plan.authorizer)
    return head + _WRITERS[engine](plan)
