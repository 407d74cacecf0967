"""The front end's pages, byte for byte."""

from authproxy.demo import pages

FORBIDDEN = """
<html><head>
<meta http-equiv="content-type" content="text/html;charset=utf-8">
<title>403 Forbidden</title>
</head>
<body text=#000000 bgcolor=#ffffff>
<h1>Error: Forbidden</h1>
<h2>Your client does not have permission to get URL <code>/path</code> from this server.</h2>
<h2></h2>
</body></html>
"""
UNAUTHORIZED = """
<html><head>
<meta http-equiv="content-type" content="text/html;charset=utf-8">
<title>401 Unauthorized</title>
</head>
<body text=#000000 bgcolor=#ffffff>
<h1>Error: Unauthorized</h1>
<h2>Your client does not have permission to the requested URL <code>/path</code>.</h2>
<h2></h2>
</body></html>
"""
NOT_FOUND = """
<html><head>
<meta http-equiv="content-type" content="text/html;charset=utf-8">
<title>404 Page not found</title>
</head>
<body text=#000000 bgcolor=#ffffff>
<h1>Error: Page not found</h1>
<h2>The requested URL was not found on this server.</h2>
<h2></h2>
</body></html>
"""


def test_forbidden_page() -> None:
    assert pages.Page(status=403, body=FORBIDDEN) == pages.forbidden("/path")


def test_unauthorized_page_has_no_comma_in_its_challenge() -> None:
    challenge = (
        'Bearer error="invalid_token" error_description="The access token could not be verified"'
    )

    assert pages.Page(
        status=401, body=UNAUTHORIZED, headers={"WWW-Authenticate": challenge}
    ) == pages.unauthorized("/path")


def test_not_found_page_has_272_bytes() -> None:
    assert pages.Page(status=404, body=NOT_FOUND) == pages.not_found()
    assert 272 == len(pages.not_found().body.encode())


def test_too_large_page() -> None:
    page = pages.too_large()

    assert 413 == page.status
    assert "<title>413 Request Entity Too Large</title>" in page.body
    assert "<h2>Your client issued a request that was too large.</h2>" in page.body


def test_no_instance_answers_differ_by_status() -> None:
    assert pages.Page(status=429, body="Rate exceeded.") == pages.no_instance(429)
    assert "<title>503 Server Error</title>" in pages.no_instance(503).body


def test_paths_are_escaped() -> None:
    assert "<code>/&lt;b&gt;&amp;</code>" in pages.forbidden("/<b>&").body
    assert "<code>/&lt;b&gt;&amp;</code>" in pages.unauthorized("/<b>&").body
