"""Rules for paths held against what Debian's Node and nginx take a path for."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.support.readers import PATHS, check_rules, nginx, node


@pytest.mark.outside
def test_no_spelling_gets_round_a_rule_in_node() -> None:
    with node() as reader:

        @settings(max_examples=3000)
        @given(PATHS)
        def check(path: bytes) -> None:
            check_rules(path, reader.read(path))

        check()


@pytest.mark.outside
def test_no_spelling_gets_round_a_rule_in_nginx(tmp_path: Path) -> None:
    with nginx(tmp_path) as reader:

        @settings(max_examples=1000)
        @given(PATHS)
        def check(path: bytes) -> None:
            check_rules(path, reader.read(path))

        check()
