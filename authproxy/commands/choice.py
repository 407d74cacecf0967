"""Choice of configured services for a command, by URLs and names in its arguments.

A word that could be a service's name is one, for an address has a dot, a colon or a slash. All
other words are addresses, and come on top of what file and environment have.
"""

from collections.abc import Callable, Sequence

from authproxy.config.readers.environment import COMMAND_LINE, read_urls
from authproxy.errors import ConfigError, Problem
from authproxy.settings import Settings
from authproxy.values import did_you_mean, parse_service_name

Load = Callable[[Sequence[str]], Settings]
"""The settings with these URLs besides those of file and environment."""

LISTED = 10


def choose(words: Sequence[str], load: Load) -> tuple[Settings, tuple[str, ...]]:
    """The settings, and the names of the services that `words` mean; without words all of them.

    Raises ConfigError.
    """
    urls = [word for word in words if not is_name(word)]
    settings = load(urls)
    if not words:
        return settings, tuple(settings.services)
    unknown = [word for word in words if is_name(word) and word not in settings.services]
    if unknown:
        raise ConfigError([_unknown(word, settings) for word in unknown])
    added, _ = read_urls(urls, where=COMMAND_LINE, key="URL")
    of_urls = iter(entry.path[1] for entry in added)
    chosen = (word if is_name(word) else next(of_urls) for word in words)
    return settings, tuple(dict.fromkeys(chosen))


def is_name(word: str) -> bool:
    """Whether `word` can only be a service's name."""
    try:
        return bool(parse_service_name(word))
    except ValueError:
        return False


def _unknown(word: str, settings: Settings) -> Problem:
    close = did_you_mean(word, settings.services)
    return Problem(
        where=COMMAND_LINE,
        key="URL",
        message=f'no service is called "{word}"{close or _listed(settings)}',
    )


def _listed(settings: Settings) -> str:
    names = list(settings.services)
    return f"; there is {', '.join(names[:LISTED])}{', …' if len(names) > LISTED else ''}"
