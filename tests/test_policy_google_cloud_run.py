"""What a host's name gives away."""

import pytest

from authproxy.policy.google.cloud_run import Place, find_place, is_run_app


@pytest.mark.parametrize(
    ("host", "place"),
    [
        (
            "hello-123456789012.europe-west4.run.app",
            Place(service="hello", region="europe-west4"),
        ),
        (
            "canary---my-api-123456789012.us-east1.run.app",
            Place(service="my-api", region="us-east1", tag="canary"),
        ),
        ("my-api-abcdefghij-ez.a.run.app", Place(service="my-api")),
        ("v2---my-api-abcdefghij-ez.a.run.app", Place(service="my-api", tag="v2")),
        ("run.app", Place()),
        ("hello.run.app", Place()),
        ("hello.europe-west4.run.app", Place()),
        ("hello-1.europe-west4.run.app.evil.example", Place()),
        ("api.example.com", Place()),
        ("", Place()),
    ],
)
def test_a_run_app_host_says_where_the_service_is(host: str, place: Place) -> None:
    assert place == find_place(host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("a-1.us-east1.run.app", True), ("run.app", False), ("notrun.app", False)],
)
def test_a_run_app_host_is_known_by_its_end(host: str, expected: bool) -> None:
    assert expected is is_run_app(host)
