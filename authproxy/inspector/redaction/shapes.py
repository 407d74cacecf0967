"""Words that are secrets by how they look, wherever they stand."""

import re

SIGN = re.compile(
    rb"earer|asic|eyJ|ya29\.|1//|GOCSPX-|AIza|sk[-_]|pk[-_]|rk[-_]|gh[pousr]_|github_pat_|glpat-"
    rb"|xox[abeprs]-|hf_|npm_|pypi-|AKIA|ASIA|-----BEGIN|://"
)
"""Found wherever SECRET is, and many times as quick: each of its words begins with a letter that is
known, so `re` looks for those letters only."""
SECRET = re.compile(
    rb"(?:[Bb]earer|[Bb]asic)(?:\s|%20|\+)+([\w\-.~+/%]{6,}=*)"  # in a field, a log line, a query
    rb"|(eyJ[\w\-]{6,}(?:(?:\.|%2[Ee])[\w\-]*){0,4})"  # a JWT or JWE, whole or cut off
    rb"|(ya29\.[\w.\-/]{6,})"  # a Google access token
    rb"|((?<![\w./])1//[\w\-]{8,})"  # a Google refresh token
    rb"|(GOCSPX-[\w\-]{4,}|AIza[\w\-]{20,})"  # a Google client secret, an API key
    rb"|((?<![\w])[spr]k[-_](?:live|test|proj|ant)?[\w\-]{16,})"  # Stripe, OpenAI and others
    rb"|((?:gh[pousr]|github_pat|glpat|xox[abeprs]|hf|npm|pypi)[_\-][\w\-]{10,})"
    rb"|((?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{12,})"  # AWS
    rb"|(-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?)"
    rb"|(?<=://)([^\s/?#@\"'<>]+)(?=@)"  # user and password of a URL
)
"""The group that matched is the secret."""
WORD = re.compile(rb"[\w\-.~+/]{8,}={0,2}")
"""What can be compared with secrets that were seen: a word of this length or more."""
PAIR = re.compile(
    rb"(?:(?<![\w.\-\[\]%])|(?<=%3[Dd]))((?:[\w.\-\[\]]++|%(?!3[Dd]))++)"  # a name,
    rb"\\?[\"']?(?:\s{0,4}(?:=|:)\s{0,4}|%3[Dd]\s{0,4}|\s{1,4}(?=[^\s\d]*+\d))\\?[\"']?"
    rb"(?=[^\s\"'&;,<>\\])"  # and VALUE follows
)
"""`name=value`, `name: value`, `"name": "value"`, and `name value` where that has a digit.

A name is tried once, from its beginning, and never shorter: else a long word made to be slow would
hold up the loop. VALUE is read only where the name says so: each may reach to the text's end."""
VALUE = re.compile(rb"[^\s\"'&;,<>\\]+")
"""What the name of a PAIR is set to."""
ELEMENT = re.compile(rb"<([\w:.\-]{1,100})(?:\s[^<>]{0,1000})?>([^<]+)")
"""`<name>value`"""
