from pathlib import Path

import pytest

from authproxy.commands.doctor.subject import NOWHERE, Subject, subjects_of
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


def test_a_service_is_examined_once_for_each_account_that_its_keys_act_as(tmp_path: Path) -> None:
    keys = {"plain": "", "ci": 'impersonate = "ci@x.example"', "other": 'services = "b"'}
    text = "".join(
        f'[keys.{name}]\nsha256 = "{number}{"0" * 63}"\n{more}\n'
        for number, (name, more) in enumerate(keys.items())
    )
    urls = "".join(
        f'[services.{name}]\nurl = "https://{name}.example"\nimpersonate = "own@x.example"\n'
        for name in "ab"
    )
    file = tmp_path / "authproxy.toml"
    file.write_text(text + urls)
    found = subjects_of(settings(file=file), ["a"], Machine({}))

    assert ["a", "a as ci@x.example"] == [each.title for each in found]
    assert ["own@x.example", "ci@x.example"] == [each.asked.impersonate for each in found]
    assert {"own@x.example"} == {each.service.impersonate for each in found}
