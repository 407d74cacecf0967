"""Bodies of the commands `authproxy COMMAND`: one module or package for each.

`check`, `export`, `key`, `list`, `status`, `token`, and the packages `doctor` and `tail` are
commands;
`setup` has `login` and those of `config`;
`admin_target`, `by_name`, `choice` and `identities` are what several of them share,
`settings_shown` what `check` says; `open_page` is `status --open`; `check_running` and `status` ask
by `status_request`, and `status` shows by `status_table`.
"""
