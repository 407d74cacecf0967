"""Content as it may be kept: read to the bound, decompressed, without secrets.

`encodings` takes compression off, `content` chooses by type what can be kept of a body and has what
is kept as a whole, `event_streams` has server-sent events, `websocket_frames` with
`websocket_messages` what both sides of a WebSocket say, `grpc_messages` those of gRPC, which
`grpc_texts` makes texts of. Each is a `BodyKeeper`, whose `held` says how many bytes it takes.
"""
