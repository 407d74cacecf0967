from authproxy.errors import Code
from authproxy.policy.start_page import start_page


def test_the_start_page_has_the_links_it_was_given() -> None:
    page = start_page([("a", "/a/")])

    assert (Code.START_PAGE, 200, [("a", "/a/")]) == (page.code, page.status, page.links)
