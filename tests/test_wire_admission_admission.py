"""What is known of a request that was decided about."""

import dataclasses
from typing import Any, cast

import pytest

from authproxy.errors import Code, Refused
from authproxy.wire.admission.admission import NOWHERE, Admission, NotAdmitted

UNUSED = cast(Any, None)


def test_an_admission_is_never_changed() -> None:
    made = Admission(UNUSED, UNUSED, b"/", b"localhost", None, "", NOWHERE, b"", b"")

    with pytest.raises(AttributeError):
        made.target = b"/other"  # type: ignore[misc]  # -- that is the point
    assert not dataclasses.is_dataclass(made)


def test_a_refusal_goes_with_what_is_known_all_the_same() -> None:
    no = NotAdmitted(Refused("No.", code=Code.BAD_REQUEST), None, host=b"here", cors=b"A: b\r\n")

    assert ("No.", b"here", b"A: b\r\n") == (str(no), no.host, no.cors)
