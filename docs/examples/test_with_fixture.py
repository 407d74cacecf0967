from urllib.request import urlopen

from authproxy.embedding.serving import Serve


def test_invoices_are_there(authproxy_serve: Serve) -> None:
    url = authproxy_serve(
        "https://billing-123456.europe-west4.run.app", credentials="file:key.json"
    )
    with urlopen(f"{url}/invoices") as answer:
        assert answer.status == 200
