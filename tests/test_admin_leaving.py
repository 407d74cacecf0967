from authproxy.admin.leaving import quit_views
from tests.support.admin import BEARER, PretendInside, admin_listener


async def test_quitting_needs_the_key_and_a_post() -> None:
    inside = PretendInside()
    async with admin_listener(quit_views(inside)) as admin:
        refused = [
            (await admin.ask("/quitquitquit", "POST"))[0],
            (await admin.ask("/quitquitquit", "GET", **BEARER))[0],
        ]
        assert [] == inside.done
        status, _, text = await admin.ask("/quitquitquit", "POST", **BEARER)

    assert [401, 405] == refused
    assert (200, "draining") == (status, text.split('"')[3])
    assert ["quit"] == inside.done
