"""Several processes that answer clients, and the one that has started them.

Read `crew` first: all workers, as their parent sees them, with the theory of operation. `worker` is
one from inside, `worker_process` the same from outside. What goes between them: `worker_channel`
has the messages, `configuration` a configuration with its listening sockets, `parent_tokens` the
tokens. `held_socket` is a listening socket in the parent, `common_memory` is what all processes
have in memory: in it `line_lock` keeps lines of the common log whole, and `shares` has all take
even shares of the connections. `counts` are those of clients, `own_share` is what a worker may have
of a service, `counting` adds up what is counted for metrics, and `inspecting` has exchanges told to
the parent's inspector; `reports` hears both. `hanging` finds workers that serve no more. `count`
says how many workers there are, `missing` what does not go with them, and `one_or_several` serves
by one process or by them.
"""
