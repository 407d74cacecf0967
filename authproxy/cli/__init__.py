"""The command line: arguments in, exit code out.

`main` has the commands, but for `demo`, `mcp`, `exec`, `tail` and those in `shell`;
`flags` their flags, each written once; `examples` what their help shows, `completing` what shells
complete; `read_apart` has `run` read by another process; `page` is what `--open` does,
`version` what `--version` says; `context` what every command shares. `group` is the click group: it
runs `run` where no command is named, and suggests another word for one that is unknown. Commands
import what they need when they are run, so that `--help` is quick.
"""
