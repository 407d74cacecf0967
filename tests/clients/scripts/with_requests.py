import sys

import requests

url = sys.argv[1]
session = requests.Session()

answer = session.get(f"{url}/whoami")
answer.raise_for_status()
print("whoami", answer.status_code)

parts = (b"x" * 100_000 for _ in range(30))
print("uploaded", session.post(f"{url}/upload", data=parts).json()["bytes"])

with session.get(f"{url}/clock?every=0.1&count=2", stream=True) as answer:
    lines = answer.iter_lines(decode_unicode=True)
    print("streamed", *(line for line in lines if line.startswith("id")))

print("redirected", session.get(f"{url}/redirect?absolute=1").status_code)

session.get(f"{url}/cookies")
print("cookies", *session.get(f"{url}/cookies").json()["cookie"])
