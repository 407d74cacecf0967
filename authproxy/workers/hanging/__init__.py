"""Workers that hang while they serve: found, told of, and killed.

`hang_watch` is the parent's look at them. `loop_turns` is what it looks at, which each worker says
of itself; `stacks` tells where the code of one is.
"""
