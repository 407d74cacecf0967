"""Requests of clients of the Model Context Protocol, and errors in its own words.

`forms` tells their requests from all others, by the head alone; `jsonrpc` reads which requests a
body holds and writes their errors; `response_watch` follows a stream of events: has it brought the
response, and could an error stand there?

The protocol: https://modelcontextprotocol.io/specification (transports, authorization).
"""
