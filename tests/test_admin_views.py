import json

from authproxy.admin.views import as_json, refused


def test_json_is_for_people_too() -> None:
    answer = as_json({"name": "Zürich"})

    assert "application/json" == answer.content_type
    assert '{\n  "name": "Zürich"\n}\n' == answer.text


def test_what_is_long_is_on_one_line() -> None:
    assert '{"a": [1, 2]}\n' == as_json({"a": [1, 2]}, is_long=True).text


def test_a_refusal_has_the_form_of_all_errors() -> None:
    answer = refused(403, "cross_site", "No.", "Ask nicely.")

    assert (403, "cross_site") == (answer.status, answer.headers["X-Authproxy-Error"])
    assert {"error": "cross_site", "message": "No.", "hint": "Ask nicely."} == json.loads(
        answer.text or ""
    )
