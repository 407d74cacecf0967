"""Protocol Buffers, as far as messages of gRPC are to be shown: nothing is written, little is kept.

`scanning` takes a message apart by itself, `descriptions` has what a service says of its messages,
`naming` makes JSON of a message with that, and `outline` what can be told without.
"""
