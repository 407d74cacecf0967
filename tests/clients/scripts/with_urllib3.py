import sys

import urllib3

url = sys.argv[1]
http = urllib3.PoolManager()

answer = http.request("GET", f"{url}/whoami")
if answer.status != 200:
    raise SystemExit(f"{answer.status} {answer.reason}")
print("whoami", answer.status)

parts = (b"x" * 100_000 for _ in range(30))
print("uploaded", http.request("POST", f"{url}/upload", body=parts).json()["bytes"])

answer = http.request("GET", f"{url}/clock?every=0.1&count=2", preload_content=False)
text = b"".join(answer.stream()).decode()
print("streamed", *(line for line in text.splitlines() if "id" in line))

print("redirected", http.request("GET", f"{url}/redirect?absolute=1").status)
