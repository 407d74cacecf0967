"""What is asked for the admin listener, where that is known without asking anybody."""

from pathlib import Path

import pytest

from authproxy.admin_file import AdminFile, write
from authproxy.commands.admin_target import NoAdminError, find_admin
from authproxy.exchange import Secret


def test_the_one_of_this_user_is_found_with_its_key(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    write(AdminFile(url="http://127.0.0.1:4041", key=Secret("hunter2")), environ)
    found = find_admin(None, environ, "tail")

    assert "127.0.0.1:4041" == str(found.listen)
    assert found.key is not None
    assert "hunter2" == found.key.reveal()


def test_the_variables_name_it_with_its_key() -> None:
    environ = {"AUTHPROXY_ADMIN": "4042", "AUTHPROXY_ADMIN_KEY": "env:K", "K": "a-long-enough-key"}
    found = find_admin(None, environ, "tail")

    assert 4042 == found.listen.port
    assert found.key is not None
    assert "a-long-enough-key" == found.key.reveal()


@pytest.mark.parametrize(("address", "code"), [("a b", 2), ("unix:/proc/nowhere/s", 1)])
def test_none_is_an_error_with_the_exit_code_of_its_kind(address: str, code: int) -> None:
    with pytest.raises(NoAdminError) as raised:
        find_admin(address, {}, "tail")

    assert code == raised.value.code
