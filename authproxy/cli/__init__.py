"""The command line: arguments in, exit code out.

`main` has the commands, but for `mcp`; `flags` their flags, each written once; `group` lets `run`
be left out and says what is no command; `context` is what every command shares. Each imports what
it needs when it is run, so that `--help` is quick.
"""
