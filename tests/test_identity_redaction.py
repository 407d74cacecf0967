import pytest

from authproxy.identity.redaction import AT_MOST, scrub, unforeseen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("ERROR: no such account", "ERROR: no such account", id="words stay"),
        pytest.param("a\n  b\tc", "a b c", id="one line"),
        pytest.param("got eyJhbGciOi.eyJzdWIi.c2ln!", "got ***!", id="identity token"),
        pytest.param("got eyJhbGciOi", "got ***", id="identity token cut off"),
        pytest.param("{'access_token': 'ya29.a0-x_y'}", "{'access_token': '***'}", id="access"),
        pytest.param("refresh_token=1//0abc-d_e", "refresh_token=***", id="refresh token"),
        pytest.param("secret GOCSPX-abc_d", "secret ***", id="client secret"),
        pytest.param("key " + "MIIE" * 20, "key ***", id="key"),
        pytest.param("x " * 400, ("x " * 400)[:AT_MOST], id="cut"),
    ],
)
def test_what_looks_like_a_secret_is_not_told(text: str, expected: str) -> None:
    assert expected.strip() == scrub(text).strip()


def test_an_unforeseen_failure_is_told_by_type_and_place_never_by_its_text() -> None:
    def fail() -> None:
        raise KeyError("secret")

    with pytest.raises(KeyError) as caught:
        fail()
    line = caught.tb.tb_next.tb_lineno if caught.tb.tb_next else 0
    error = unforeseen("gcloud", caught.value)

    assert (
        f"gcloud failed unexpectedly (KeyError at test_identity_redaction.py:{line})",
        "This is a bug in authproxy. Please report it with this message.",
    ) == (error.message, error.hint)


def test_an_exception_that_was_never_raised_has_no_place() -> None:
    error = unforeseen("gcloud", KeyError("secret"))

    assert "gcloud failed unexpectedly (KeyError)" == error.message
