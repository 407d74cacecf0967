"""The user of this machine at the other end of a connection, as the kernel knows it.

`peer_user` is what admission asks once for each connection. `unix_peer` finds the user of a Unix
socket's client, `tcp_peer` that of a TCP connection on this machine.
"""
