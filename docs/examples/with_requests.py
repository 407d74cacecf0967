import requests

from authproxy.auth import ServiceAuth

BILLING = "https://billing-123456.europe-west4.run.app"

with ServiceAuth(BILLING, credentials="file:key.json") as auth, requests.Session() as session:
    session.auth = auth.requests()
    print(session.get(f"{BILLING}/invoices").status_code)
