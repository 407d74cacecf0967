"""Views of the kept exchanges; nothing here has secrets to hide any more.

`rows` has an exchange in one line, `filters` says which lines are wanted, `detail` has all of one
exchange, with `differences` between heads and calls of `json_rpc`. `har` is for browsers' tools,
`snippets` has commands to paste, `comparison` two exchanges side by side.
"""
