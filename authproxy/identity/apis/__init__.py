"""Google's APIs that authproxy asks for other things than tokens, each a source like any other.

`client` sends the requests, `cloud_run` finds a service's address by its name, `secret_manager`
reads secrets.
"""
