import pytest

from authproxy.exchange import NO_TOKEN
from authproxy.identity.source import NoSource, Source


@pytest.mark.parametrize("audience", ["https://a.run.app", ""])
def test_none_mints_the_explicit_absence_of_a_token(audience: str) -> None:
    source: Source = NoSource()

    assert ("none", NO_TOKEN) == (source.name, source.mint(audience))
