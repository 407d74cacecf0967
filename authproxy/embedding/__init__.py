"""authproxy inside a Python program: started by it, in its tests, or as a part of its own server.

`serving` runs a proxy beside the program's own code, and `serve_keywords` are its settings; what
programs use is offered as `authproxy.serve` and `authproxy.web` too. `pytest_plugin` is the
fixture. `subapp` is the part of an aiohttp application that forwards to a service:
`carrying` takes one request there and its answer back, `message_heads` says what their heads
become, and `web_sockets` carries messages.
"""
