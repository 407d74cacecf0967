"""The clients of docs/clients.md, each run twice: through authproxy, and without its token.

To add one:

1. A script in `scripts/` that does with the client what people do, at the address in its first
   argument. It prints a line for each thing that came, and fails when the client fails. What only
   makes noise goes to stderr.
2. A `Client` in a list of this package (`http_clients.py` is one), which `client_list.py` adds up.
   What the service behind authproxy must be able to do beyond the sample app is a context manager
   that yields an aiohttp handler, in `services/`.
3. Its packages in `requirements.txt` or `node/package.json`, and `scripts/clients pin`. A program
   of Debian goes into `PROGRAMS` of `.ci/run`.
4. Its row in docs/clients.md (`tests/test_docs.py`).

The script must leave trust to the variables in `running.py`: they are set for both runs alike, so
that nothing but the token is missing in the second.
"""
