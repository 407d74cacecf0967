import pytest

from authproxy.inspector.assembly import build_recording
from tests.support.recorded import MEBIBYTE


@pytest.mark.parametrize(("services", "count"), [([], 1), (["billing"], 2)])
def test_content_has_an_observer_only_where_it_is_wanted(services: list[str], count: int) -> None:
    found = build_recording(memory=4 * MEBIBYTE, body_bytes=1024, with_content=services)

    assert count == len(found.observers)
    assert 2 * MEBIBYTE == found.store.limit
