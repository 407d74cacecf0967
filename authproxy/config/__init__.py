"""TOML file, environment and command line in; `Settings`, or every problem with its place, out."""

from authproxy.config.loading import load
from authproxy.config.secrets import resolve_secret

__all__ = ["load", "resolve_secret"]
