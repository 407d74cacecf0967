"""What `run` comes to. With one process in tests/test_runtime_app.py, with several in tests/e2e."""

import pytest

from authproxy.cli.serving import serve
from authproxy.errors import StartError
from authproxy.settings import Settings
from tests.support.configuring import URL


def test_several_workers_are_refused_where_something_is_missing() -> None:
    settings = Settings.model_validate(
        {
            "services": {"a": {"url": URL}},
            "workers": 2,
            "limits": {"connections": 1},
        }
    )

    with pytest.raises(StartError, match="with 2 workers there is no"):
        serve(settings, None, None)
