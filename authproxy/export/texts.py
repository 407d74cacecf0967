"""Texts that more than one engine reads alike."""

import re


def literal(text: str) -> str:
    """`text` in a regular expression, as PCRE and RE2 read it."""
    return re.sub(r"([^A-Za-z0-9/_-])", r"\\\1", text)


def milliseconds(seconds: float) -> str:
    """Whole ones; 0 would mean something else."""
    return f"{max(1, round(seconds * 1000))}ms"
