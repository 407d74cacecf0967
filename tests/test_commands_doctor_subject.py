import pytest

from authproxy.commands.doctor.subject import NOWHERE, Subject
from authproxy.identity.machine import Machine
from tests.support.configuring import URL, settings


@pytest.mark.parametrize(("url", "expected"), [(URL, True), (NOWHERE, False)])
def test_a_service_that_nobody_named_is_nowhere(url: str, *, expected: bool) -> None:
    found = settings(urls=[f"a={url}"])
    subject = Subject(name="a", service=found.services["a"], settings=found, machine=Machine({}))

    assert (expected, url) == (subject.is_somewhere, subject.audience)
    assert subject.connector is subject.connector


def test_its_repr_shows_no_environment() -> None:
    found = settings(urls=[URL])
    service = found.services["billing"]
    subject = Subject(
        name="a", service=service, settings=found, machine=Machine({"KEY": "hunter2"})
    )

    assert "hunter2" not in repr(subject)
