"""A local, authenticating reverse proxy for services that demand a Google identity token.

What Python programs use is here by name: `serve`, `web`, and the package `auth`. Each is imported
when it is first asked for; `__init__.pyi` has their types.
"""

from importlib import import_module

__version__ = "0.1.0"

_FOUND_IN = {
    "ConfigError": "authproxy.errors",
    "CredentialError": "authproxy.errors",
    "StartError": "authproxy.errors",
    "auth": "",
    "serve": "authproxy.embedding.serving",
    "web": "authproxy.embedding.subapp",
}
"""The module that has a name; a package is imported itself."""


def __getattr__(name: str) -> object:
    if name not in _FOUND_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _FOUND_IN[name]
    found = getattr(import_module(module), name) if module else import_module(f"authproxy.{name}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_FOUND_IN})
