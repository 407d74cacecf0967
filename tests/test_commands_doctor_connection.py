import pytest

from authproxy.commands.doctor.connection import check_connection, check_dns, describe_tls
from authproxy.commands.doctor.report import ok
from authproxy.commands.doctor.subject import Subject
from authproxy.demo.world import World
from authproxy.errors import UpstreamError
from authproxy.identity.machine import Machine
from tests.support.configuring import settings


def subject(url: str, **environ: str) -> Subject:
    found = settings(urls=[f"a={url}"])
    service = found.services["a"]
    return Subject(name="a", service=service, settings=found, machine=Machine(environ))


async def test_a_name_is_looked_up() -> None:
    assert ok("127.0.0.1 is an address already") == await check_dns(subject("http://127.0.0.1:9"))


async def test_a_name_that_nobody_has_is_said_as_everywhere() -> None:
    with pytest.raises(UpstreamError, match=r"^The host name no-such-name\.invalid cannot be"):
        await check_dns(subject("https://no-such-name.invalid"))


async def test_behind_an_egress_proxy_it_is_the_proxys_name_that_counts() -> None:
    given = subject("https://no-such-name.invalid", HTTPS_PROXY="http://127.0.0.1:9")

    assert ok("the egress proxy 127.0.0.1 is an address already; it looks up the service") == (
        await check_dns(given)
    )
    with pytest.raises(UpstreamError, match=r"^The egress proxy .* cannot be reached"):
        await check_connection(given)


async def test_a_connection_stands_through_the_egress_proxy() -> None:
    async with World() as world:
        proxy = f"http://127.0.0.1:{world.google.connect_proxy.port}"
        host = world.cloud_run.run_app_hosts[0]
        found = settings(urls=[f"a=https://{host}"], flags={"--ca-file": str(world.ca_file)})
        given = Subject(
            name="a",
            service=found.services["a"],
            settings=found,
            machine=Machine({"HTTPS_PROXY": proxy}),
        )
        result = await check_connection(given)

    assert result.message.startswith("TLSv1.3, certificate good until ")
    assert result.message.endswith(f", through the egress proxy {proxy} (named by HTTPS_PROXY)")


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        ({"notAfter": "Jan  1"}, "TLSv1.2, certificate good until Jan  1"),
        ({}, "TLSv1.2"),
        (None, "TLSv1.2"),
    ],
)
def test_tls_is_told_in_few_words(certificate: dict[str, str] | None, expected: str) -> None:
    assert expected == describe_tls("TLSv1.2", certificate)
