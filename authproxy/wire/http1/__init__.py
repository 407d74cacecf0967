"""HTTP/1.1 taken apart (RFC 9112): `heads` has lines and fields, `chunks` chunked bodies,
`request_reader` what a client sends."""
