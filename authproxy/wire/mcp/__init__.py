"""Refusals and streams of MCP: the right request is answered, and every stream has an end.

`refusing` finds how one is to be told over HTTP/1.1, and waits for the request if it has not come
in whole; `call_stream` writes the events that answer a POST. `http2_calls` does both for HTTP/2,
where frames pass as they came; `frame_contents` hears what they hold.
"""
