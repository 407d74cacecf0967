from urllib.request import urlopen

import authproxy

serving = authproxy.serve(
    {
        "billing": "https://billing-123456.europe-west4.run.app",
        "local": {"url": "http://localhost:9000", "credentials": "none"},
    },
    credentials="file:key.json",
)
with serving as urls:
    with urlopen(urls["billing"] + "/invoices") as answer:
        print(answer.status)
