import pytest

from authproxy.values.methods import KNOWN, is_read_only, of_its_own, parse_method


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_known_method_is_one_in_either_case(name: str) -> None:
    assert (name, name) == (parse_method(name), parse_method(name.lower()))


@pytest.mark.parametrize("name", ["SET", "FETCH", "BAN", "FROBNICATE", "LIST", "X-REFRESH"])
def test_a_service_may_have_methods_of_its_own(name: str) -> None:
    assert name == parse_method(name)
    assert of_its_own(name).startswith(
        f'HTTP knows no method "{name}"; it is passed on as a method of'
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("DELET", "DELETE"),
        ("delte", "DELETE"),
        ("DEL", "DELETE"),
        ("GETS", "GET"),
        ("GTE", "GET"),
        ("ET", "GET"),
        ("PSOT", "POST"),
        ("PATHC", "PATCH"),
        ("OPTION", "OPTIONS"),
        ("PROPFID", "PROPFIND"),
        ("readonly", "read-only"),
        ("read_only", "read-only"),
        ("Read Only", "read-only"),
        ("ro", "read-only"),
    ],
)
def test_a_near_miss_is_refused_with_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        parse_method(text)

    assert f'"{text}" is no method; did you mean "{meant}"?' == str(caught.value)


@pytest.mark.parametrize("text", ["*", "all", "ANY", ".*"])
def test_a_word_for_all_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="leave the setting out to allow all methods"):
        parse_method(text)


@pytest.mark.parametrize("text", ["", "GET POST", "GET/1", "none", "read-write"])
def test_what_is_no_method_at_all_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no method; write GET, or read-only"):
        parse_method(text)


def test_the_word_for_reading_is_known_in_either_case() -> None:
    assert [True, True, False] == [
        is_read_only(text) for text in ("read-only", " Read-Only", "GET")
    ]
