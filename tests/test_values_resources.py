import pytest

from authproxy.values import (
    RunService,
    is_run_service,
    parse_project,
    parse_region,
    parse_run_service,
    parse_tag,
)
from authproxy.values.resources import parse_secret_name


def test_a_service_is_named_by_project_region_and_name() -> None:
    found = parse_run_service(" acme-prod/europe-west1/billing ")

    assert RunService(project="acme-prod", region="europe-west1", name="billing") == found
    assert "projects/acme-prod/locations/europe-west1/services/billing" == found.resource
    assert "https://billing.europe-west1.invalid" == str(found.nowhere)
    assert "acme-prod/europe-west1/billing" == str(found)


@pytest.mark.parametrize("project", ["acme-prod", "1060025368044", "example.com:acme-prod"])
def test_a_project_has_an_id_or_a_number(project: str) -> None:
    assert project == parse_project(project) == parse_run_service(f"{project}/us-east4/a").project


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "billing",
            '"billing" is no PROJECT/REGION/NAME; write it as in "acme-prod/europe-west1/billing"',
        ),
        (
            "Acme/europe-west1/billing",
            '"Acme" is not a project\'s id; gcloud projects list shows them',
        ),
        ("acme-prod/europe/billing", '"europe" is not a region; write it as in europe-west1'),
        (
            "acme-prod/europe-west1/Billing",
            '"Billing" is not a Cloud Run service\'s name; gcloud run services list shows them',
        ),
    ],
)
def test_what_is_no_service_is_explained(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the sentence is compared below
        parse_run_service(text)
    assert sentence == str(caught.value)


def test_a_region_and_a_tag_are_checked() -> None:
    assert ("europe-west1", "canary") == (parse_region("europe-west1"), parse_tag("canary"))
    with pytest.raises(ValueError, match=r'^"Canary" is not a traffic tag; write lower-case'):
        parse_tag("Canary")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("acme/europe-west1/billing", True),
        ("https://billing.run.app", False),
        ("//billing", False),
        ("billing", False),
    ],
)
def test_a_service_by_name_is_told_from_an_address(text: str, is_one: bool) -> None:
    assert is_one == is_run_service(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("projects/acme-prod/secrets/KEY", "projects/acme-prod/secrets/KEY/versions/latest"),
        ("projects/123/secrets/a_b/versions/7", "projects/123/secrets/a_b/versions/7"),
    ],
)
def test_the_latest_version_of_a_secret_is_meant_where_none_is_named(text: str, name: str) -> None:
    assert name == parse_secret_name(text)


def test_a_text_that_is_no_secrets_name_is_not_repeated() -> None:
    with pytest.raises(ValueError, match=r"^secret: needs the name of a secret; write") as caught:
        parse_secret_name("hunter2")
    assert "hunter2" not in str(caught.value)
