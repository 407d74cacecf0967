"""Kinds of values: what is no such value is answered with what to write."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from authproxy.fields import FileMode, TokenKind, Uids


class Model(BaseModel):
    mode: FileMode = 0
    kind: TokenKind = "identity"
    uids: Uids = ()


@pytest.mark.parametrize(
    ("text", "mode"), [("0600", 0o600), ("660", 0o660), ("0o666", 0o666), (0o644, 0o644)]
)
def test_a_file_mode_is_written_as_for_chmod(text: Any, mode: int) -> None:
    assert mode == Model(mode=text).mode


@pytest.mark.parametrize("text", ["", "0800", "rw", "1777", "-1"])
def test_what_is_no_file_mode_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"mode": text})

    assert f'"{text}" is no file mode; write "0600", or "0660" for a group' in str(caught.value)


def test_a_token_in_the_place_of_its_kind_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"kind": "eyJsecret"})

    [error] = caught.value.errors(include_input=False)
    assert "eyJ" not in error["msg"]
    assert error["msg"].endswith(
        'must be "identity" or "access"; to say where a token comes from, use credentials, as in'
        ' credentials = "token-env:NAME"'
    )


def test_one_user_needs_no_list() -> None:
    assert (1000,) == Model.model_validate({"uids": 1000}).uids
