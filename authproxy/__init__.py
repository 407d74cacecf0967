"""A local, authenticating reverse proxy for services that demand a Google identity token."""

__version__ = "0.1.0"
