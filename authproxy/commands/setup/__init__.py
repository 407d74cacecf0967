"""Commands that set authproxy up: a configuration file, its schema, a sign-in.

`init` writes a first file from what it finds, `schema` makes the JSON Schema that editors check it
by, `login` runs gcloud with the right arguments.
"""
