"""TOML file, environment and command line in; `Settings`, or every problem with its place, out."""

from authproxy.config.egress import find_egress, find_egress_for_tokens
from authproxy.config.loading import load
from authproxy.config.secrets import resolve_secret

__all__ = ["find_egress", "find_egress_for_tokens", "load", "resolve_secret"]
