from pathlib import Path

import pytest

from authproxy.exchange import NO_TOKEN
from authproxy.identity.source import NoSource, Source, paths_of


@pytest.mark.parametrize("audience", ["https://a.run.app", ""])
def test_none_mints_the_explicit_absence_of_a_token(audience: str) -> None:
    source: Source = NoSource()

    assert ("none", NO_TOKEN) == (source.name, source.mint(audience))


class OfFile(NoSource):
    paths = (Path("/run/key.json"),)


def test_a_source_may_name_the_files_that_it_depends_on() -> None:
    assert ((), (Path("/run/key.json"),)) == (paths_of(NoSource()), paths_of(OfFile()))
