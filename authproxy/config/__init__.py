"""TOML file, environment and command line in; `Settings`, or every problem with its place, out."""

from authproxy.config.files.secrets import resolve_secret
from authproxy.config.loading import load
from authproxy.config.readers.egress_proxy import find_egress, find_egress_for_tokens

__all__ = ["find_egress", "find_egress_for_tokens", "load", "resolve_secret"]
