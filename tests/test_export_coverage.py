from pathlib import Path

from authproxy.config.readers.setting_names import PATHS
from authproxy.export.checks import key_of
from authproxy.export.coverage import COVERAGE, ENGINES, By, table

PAGE = Path(__file__).parent.parent / "docs" / "export.md"


def test_every_setting_has_a_row_and_no_row_is_about_nothing() -> None:
    assert {key_of(path) for path in PATHS} == set(COVERAGE)


def test_every_row_is_about_every_engine() -> None:
    assert {ENGINES} == {tuple(row.by) for row in COVERAGE.values()}


def test_what_an_engine_is_refused_says_what_to_do() -> None:
    silent = [
        key for key, row in COVERAGE.items() if By.NOBODY in row.by.values() and not row.advice
    ]

    assert [] == silent


def test_the_page_says_who_sees_to_each_setting() -> None:
    """`python -c "from authproxy.export.coverage import table; print(table())"` prints it."""
    assert table() in PAGE.read_text()
