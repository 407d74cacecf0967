"""Things that not every operating system has, and what is done without them.

A thing is asked for where it is used, never by the name of the system, and nothing here is asked
for in vain: whoever uses it need not know what is missing. docs/platforms.md says what users lose.
`signals` has those of the process, `parent` what ends it with another, `orphans` its children that
others have started, `traced` whether a debugger has one, `entry` is what a program does first and
last, `when_used` keeps modules out of memory until then, `offers` has the rest: users, sockets,
flags for files.
"""
