import json

import pytest

from authproxy.admin.reloading import reload_views
from authproxy.config.changes import ReloadAnswer
from authproxy.tasks import Tasks
from tests.support.admin import BEARER, PretendInside, admin_listener

GOOD = ReloadAnswer(changes=("deny changes",), needs_restart=("admin",), warnings=("careful",))
BAD = ReloadAnswer(problems=("a.toml:1: x", "a.toml:2: y"))


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("found", [GOOD, BAD], ids=["valid", "not valid"])
async def test_a_reload_says_what_came_of_it(method: str, found: ReloadAnswer) -> None:
    inside = PretendInside(reloaded=found)
    async with admin_listener(reload_views(inside, Tasks())) as listener:
        status, _, text = await listener.ask("/-/reload", method, **BEARER)
        stranger, _, _ = await listener.ask("/-/reload", method)

    said = json.loads(text)
    assert ["reload" if method == "POST" else "preview"] == inside.done
    assert 401 == stranger
    if found.problems:
        assert (400, list(BAD.problems)) == (status, said["problems"])
    else:
        assert 200 == status
        assert (["deny changes"], ["admin"]) == (said["changes"], said["needs_restart"])
