"""The head of a request, as observers hear of it when it goes to the service."""

from tests.support.hearing import Everything
from tests.support.proxying import TOKEN_TEXT, proxying
from tests.support.raw import raw_service
from tests.support.talking import get


async def test_the_head_is_told_as_it_is_written_but_for_the_token() -> None:
    everything = Everything()
    async with (
        raw_service() as service,
        proxying(service.url, api_key="k-1234", first=[everything]) as proxy,
    ):
        await proxy.exchange(get("/a?b", "X-One:  1 ", "Connection: close"))

    ((sent,),) = [story.sent for story in everything.told]
    lines = [line for _, _, line in sent.fields]
    written = service.heads[0].split(b"\r\n")
    assert (b"Authorization", TOKEN_TEXT) == (sent.token_name, sent.token.value.reveal())
    assert [f"Authorization: Bearer {TOKEN_TEXT}".encode()] == written[len(lines) + 1 : -2]
    assert lines == written[1 : len(lines) + 1]
    assert (b"x-one", b"1", b"X-One:  1 ") in sent.fields
    assert (b"GET", b"/a?b", "1.1", service.url) == (
        sent.method,
        sent.target,
        sent.version,
        sent.origin,
    )
    assert {b"x-api-key"} == sent.secret_names
    assert sent.is_new
    assert "k-1234" not in repr(sent)
    assert TOKEN_TEXT not in repr(sent)
