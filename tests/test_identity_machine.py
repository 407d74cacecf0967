import os
import sys

import pytest

from authproxy.errors import CredentialError
from authproxy.identity.machine import Machine


def test_two_machines_share_nothing_but_the_environment() -> None:
    one, other = Machine(), Machine()

    assert one.environ is other.environ is os.environ
    assert one.skew is not other.skew
    assert one.programs is not other.programs


def test_no_program_is_started_once_it_is_left() -> None:
    with Machine({}) as machine:
        argv = [sys.executable, "-c", ""]
        done = machine.programs.run(argv, environ={}, timeout_s=60, name="x")

    with pytest.raises(CredentialError, match="shutting down"):
        machine.programs.run(argv, environ={}, timeout_s=60, name="x")
    assert 0 == done.code


def test_the_environment_is_not_shown() -> None:
    assert "hunter2" not in repr(Machine({"PASSWORD": "hunter2"}))
