"""Bodies of the commands `authproxy COMMAND`: one module or package for each.

`check`, `key`, `list`, `status`, `token`, and the packages `doctor` and `tail` are commands;
`admin_target`, `by_name`, `choice` and `identities` are what several of them share,
`settings_shown` what `check` says; `status` asks by `status_request` and shows by `status_table`.
"""
