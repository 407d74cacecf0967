"""One process is in tests/test_runtime_app.py, several are in tests/e2e."""

import pytest

from authproxy.errors import StartError
from authproxy.settings import Settings
from authproxy.workers.one_or_several import serve
from tests.support.configuring import URL


def test_several_workers_are_refused_where_something_is_missing() -> None:
    settings = Settings.model_validate(
        {
            "services": {"a": {"url": URL, "record_bodies": True}},
            "workers": 2,
            "inspect": {"record": "on"},
        }
    )

    with pytest.raises(StartError, match="with 2 workers there is no"):
        serve(settings, None, None)
