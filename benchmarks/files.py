"""Configuration files, made of templates."""

from collections.abc import Mapping
from pathlib import Path


def filled(template: Path, folder: Path, values: Mapping[str, str]) -> Path:
    """Write the template into `folder` with each `@NAME@` filled in."""
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    written = folder / template.name
    written.write_text(text)
    return written
