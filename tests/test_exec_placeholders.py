import pytest

from authproxy.exec.placeholders import ServiceUrls, Variable, environment

ONE = ServiceUrls({"billing": "http://127.0.0.1:4"})
TWO = ServiceUrls({"billing": "http://127.0.0.1:4", "api-v2": "http://127.0.0.1:5"})

FILLED = [
    ("{url}/v1", "http://127.0.0.1:4/v1"),
    ("--base={url:billing}", "--base=http://127.0.0.1:4"),
    ("{address}", "127.0.0.1:4"),
    ("{address:billing}", "127.0.0.1:4"),
    ('{"base": "{url}"}', '{"base": "http://127.0.0.1:4"}'),
    ("%{{url}} {{url:x}} {{address}}", "%{url} {url:x} {address}"),
    ("{{url}", "{http://127.0.0.1:4"),
    ("{url}}", "http://127.0.0.1:4}"),
    (
        "{urls} { url } {} $url ${url_effective} {URL}",
        "{urls} { url } {} $url ${url_effective} {URL}",
    ),
    ("{url}{url}", "http://127.0.0.1:4http://127.0.0.1:4"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "filled"), FILLED)
def test_a_placeholder_becomes_the_address_and_nothing_else_changes(text: str, filled: str) -> None:
    assert filled == ONE.fill(text)


def test_with_several_services_each_has_its_own_address() -> None:
    assert "http://127.0.0.1:5 127.0.0.1:4" == TWO.fill("{url:api-v2} {address:billing}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{url}", "not clear with several services; write {url:billing} or {url:api-v2}"),
        ("{address}", "write {address:billing} or {address:api-v2}"),
        ("{url:biling}", 'there is no service biling; did you mean "billing"?'),
        ("{url:}", "there is no service ; there are billing, api-v2"),
    ],
)
def test_a_placeholder_that_leads_nowhere_says_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"double the braces|write") as raised:
        TWO.fill(text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "--env API_URL"),
        ("1A", "cannot be a variable's name"),
        ("=x", "cannot be a variable's name"),
        ("A B={url}", "cannot be a variable's name"),
        ("OPENAI_BASE_URL=/v1", "write OPENAI_BASE_URL={url}/v1"),
        ("A=", "write A={url}/v1"),
        ("A={{url}}", "write A={url}/v1"),
    ],
)
def test_a_variable_that_would_say_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="write") as raised:
        Variable.parse(text)
    assert said in str(raised.value)


def test_a_command_finds_addresses_under_the_names_that_it_knows() -> None:
    variables = [Variable.parse(text) for text in ("API_URL", "BASE={url:billing}/v1?a=b")]

    made = environment({"HOME": "/h", "AUTHPROXY_URL": "https://real"}, ONE, variables, None)

    assert {
        "HOME": "/h",
        "AUTHPROXY_BILLING_URL": "http://127.0.0.1:4",
        "AUTHPROXY_URL": "http://127.0.0.1:4",
        "API_URL": "http://127.0.0.1:4",
        "BASE": "http://127.0.0.1:4/v1?a=b",
    } == made


def test_with_several_services_no_address_leads_past_us() -> None:
    made = environment({"AUTHPROXY_URL": "https://real"}, TWO, [], None)

    assert {
        "AUTHPROXY_BILLING_URL": "http://127.0.0.1:4",
        "AUTHPROXY_API_V2_URL": "http://127.0.0.1:5",
    } == made


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1"),
        ({"no_proxy": ".corp"}, ".corp,127.0.0.1"),
        ({"NO_PROXY": "a,b"}, "a,b,127.0.0.1"),
        ({"NO_PROXY": "*"}, "*,127.0.0.1"),
    ],
)
def test_as_a_proxy_it_is_not_asked_for_what_has_a_port_of_its_own(
    before: dict[str, str], after: str
) -> None:
    made = environment(before, ONE, [], "http://127.0.0.1:9")

    assert {"http://127.0.0.1:9"} == {made["http_proxy"], made["HTTP_PROXY"]}
    assert {after} == {made["no_proxy"], made["NO_PROXY"]}


@pytest.mark.parametrize("variable", ["http_proxy", "HTTPS_PROXY", "all_proxy", "grpc_proxy"])
def test_no_proxy_of_the_environment_is_asked_for_our_addresses(variable: str) -> None:
    proxies = {variable: "http://proxy.corp:3128"}
    made = environment(
        {**proxies, "no_proxy": ".corp", "NO_PROXY": ".corp, 127.0.0.1"}, ONE, [], None
    )

    assert "http://proxy.corp:3128" == made[variable]
    assert ".corp,127.0.0.1" == made["no_proxy"]
    assert ".corp, 127.0.0.1" == made["NO_PROXY"]


@pytest.mark.parametrize(
    ("before", "after"),
    [("*", "*"), ("a,*", "a,*,127.0.0.1"), ("127.0.0.10", "127.0.0.10,127.0.0.1")],
)
def test_a_star_alone_keeps_all_from_the_proxy_of_the_environment(before: str, after: str) -> None:
    made = environment({"HTTP_PROXY": "http://a", "NO_PROXY": before}, ONE, [], None)

    assert after == made["NO_PROXY"]


def test_without_a_proxy_nothing_is_said_of_any() -> None:
    before = {"http_proxy": "", "PROXY": "a", "NO_PROXY": "b"}
    made = environment(before, ONE, [], None)

    assert before == {name: value for name, value in made.items() if "PROXY_" not in name}
