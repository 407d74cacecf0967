"""Configurations that a person might write, and what `authproxy check` says of each.

A row is refused with a sentence, warned of with a sentence, or taken, and then it means something:
what looks right must not do nothing, or everything.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from authproxy.cli.main import run
from authproxy.config.loading import load
from authproxy.config.readers.setting_names import EVERY, PATHS
from authproxy.errors import ConfigError

URL = "https://a.example"
SERVICE = f'[services.a]\nurl = "{URL}"\n'
DIGEST = "ab" * 32
KEY = f'[keys.ci]\nsha256 = "{DIGEST}"\n'
LAN = '[listeners.lan]\nlisten = "0.0.0.0:8081"\n'
SOCKET = '[listeners.local]\nlisten = "unix:/tmp/a.sock"\n'
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The SHA-256 of nothing."""
BY_NAME = {"AUTHPROXY_PROJECT": "acme-prod", "AUTHPROXY_REGION": "us-east4"}


def refused(sentence: str) -> tuple[str, object]:
    return "refused", sentence


def warned(sentence: str) -> tuple[str, object]:
    return "warned", sentence


def means(key: str, value: object) -> tuple[str, object]:
    """Taken without a word; the setting at `key` is `value` then."""
    return "means", (key, value)


Row = tuple[str, tuple[str, object]]

IN_A_SERVICE: Sequence[Row] = [
    # methods
    ('methods = "readonly"', refused('"readonly" is no method; did you mean "read-only"?')),
    ('methods = "READ_ONLY"', refused('did you mean "read-only"?')),
    ('methods = "Read-Only"', means("methods", ["GET", "HEAD", "OPTIONS"])),
    ('methods = ["read-only", "post"]', means("methods", ["GET", "HEAD", "OPTIONS", "POST"])),
    ('methods = ["DELET"]', refused('"DELET" is no method; did you mean "DELETE"?')),
    ('deny_methods = ["DELET"]', refused('"DELET" is no method; did you mean "DELETE"?')),
    ('deny_methods = ["PSOT"]', refused('did you mean "POST"?')),
    ('methods = ["GETS"]', refused('did you mean "GET"?')),
    (
        'methods = ["FROBNICATE"]',
        warned('HTTP knows no method "FROBNICATE"; it is passed on as a method'),
    ),
    ('methods = "GET, POST"', means("methods", ["GET", "POST"])),
    ('methods = ["GET, POST"]', refused('write each in quotes of its own: "GET", "POST"')),
    ('methods = "GET POST"', refused("is more than one; write commas between: GET, POST")),
    ("methods = []", means("methods", [])),
    ('methods = ""', refused('"" is no method; write GET, or read-only')),
    ('methods = "*"', refused("leave the setting out to allow all methods")),
    ('methods = ["ALL"]', refused("leave the setting out to allow all methods")),
    ("methods = 5", refused("must be text in quotes")),
    ('methods = ["TRACE"]', refused("leaves no method that may be used")),
    ('methods = ["GET", "TRACE"]', warned("TRACE has no effect: it never passes")),
    ('methods = ["GET"]\ndeny_methods = ["GET"]', refused("leaves no method that may be used")),
    (
        'methods = ["GET"]\ndeny_methods = ["POST"]',
        warned("POST has no effect: it is not in methods"),
    ),
    (
        'deny_methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]',
        refused("leaves no method that may be used"),
    ),
    ('deny_methods = "read-only"', refused("lets POST and DELETE through; for a service")),
    ('methods = "GET|POST"', refused("write commas between: GET, POST")),
    ('methods = "GET+HEAD"', refused("write commas between: GET, HEAD")),
    ('methods = "GET; POST"', refused("is more than one; write commas between: GET, POST")),
    ('deny_methods = ["PUT|X-OWN"]', warned("it is passed on as a method of the service's own")),
    ('deny_paths = "GET /admin"', refused("without dots as names: /admin")),
    ('deny_paths = "prefix:/admin"', refused("without dots as names: /admin")),
    ('deny_paths = "= /admin"', refused("without dots as names: /admin")),
    ('paths = "!/admin"', refused("write it as in /billing, without a query and without dots as")),
    ('deny_paths = "/%61dmin"', refused("write the characters themselves")),
    ('paths = "/a /b"', refused("is more than one; write commas between: /a, /b")),
    ('remove_headers = ["X-*"]', refused("each by itself, without *")),
    ('hosts = "a.example b.example"', refused("write commas between: a.example, b.example")),
    ('allow = "10.0.0.1 10.0.0.2"', refused("write commas between: 10.0.0.1, 10.0.0.2")),
    ('allow_origins = "http://a;http://b"', refused("write commas between: http://a, http://b")),
    ('api_key = ""', refused("is empty; write env:NAME")),
    ('api_key = "env:$KEY"', refused("env: needs the name of an environment variable")),
    ('api_key = "secret:projects/acme/secrets/x"', refused("is not a project's id")),
    ('tls_min_version = "TLSv1_2"', means("tls_min_version", "1.2")),
    ('path_prefix = "/x"', refused("there is no such key; write path")),
    ('credentials = "token-file:none"', refused("none: there is no such file. Is the path right?")),
    # paths
    ('deny_paths = ["/admin/*"]', means("deny_paths", ["/admin"])),
    ('paths = "/api/**"', means("paths", ["/api"])),
    ('paths = "/a, /b"', means("paths", ["/a", "/b"])),
    ('paths = "/api/"', means("paths", ["/api"])),
    ('paths = ["/api*"]', refused("only the beginning of a path can be given; write /api;")),
    ('paths = ["/a/*/b"]', refused("write /a;")),
    ('deny_paths = ["^/admin"]', refused("write /admin;")),
    ('deny_paths = ["/admin$"]', refused("write /admin;")),
    ('deny_paths = ["/api/v[12]"]', refused("write /api;")),
    ('paths = ["/users/{id}"]', refused("write /users;")),
    ('paths = ["/users/:id"]', refused("write /users;")),
    ('paths = ["*"]', refused("write / for all paths, or leave it out")),
    ('deny_paths = ["*.php"]', refused("is a pattern")),
    ('paths = ["admin"]', refused("names: /admin")),
    ('paths = ["https://a.example/b"]', refused("is a URL; write its path only: /b")),
    ('paths = ["/a?b=c"]', refused("without a query")),
    ('paths = ["/a//b"]', refused("has an empty name in it; write /a/b")),
    ('paths = ["/a/../b"]', refused("without dots as names")),
    ('paths = [""]', refused("is not the beginning of a path")),
    ('paths = ["/"]', warned("/ has no effect: it is every path")),
    ('deny_paths = ["/"]', refused("is every path, so that none could be used")),
    ('paths = "/a/b"\ndeny_paths = "/A"', refused("denies all that paths allows")),
    ('paths = ["/a", "/a/b"]', warned('"/a/b" has no effect: it is in "/a"')),
    ('paths = "/a"\ndeny_paths = "/b"', warned('"/b" has no effect: paths lets nothing there')),
    ('path = "/x"\npaths = "/api"', warned('write "/x/api", or strip_path = true')),
    ('path = "/x"\nstrip_path = true\npaths = "/x/api"', warned('write "/api"')),
    ('path = "billing"', refused("names: /billing")),
    ('path = "/x/*"', means("path", "/x")),
    ("strip_path = true", refused("there is no path to strip; add path")),
    ('path = "/"\nstrip_path = true', warned("has no effect: has no effect: the path is /")),
    ('path = "/x"\nstrip_path = "yes"', means("strip_path", True)),
    ('strip_path = "perhaps"', refused("must be true or false")),
    # tokens
    ('audience = "https://a.example/"', warned("including its slash; write https://a.example")),
    ('audience = "https://a.example/x"', warned("has a path")),
    ('audience = "${AUDIENCE}"', refused("variables are not replaced here")),
    ('audience = "a.example"', warned("letter by letter; write https://a.example")),
    ('audience = "http://a.example"', warned("letter by letter; write https://a.example")),
    ('audience = " https://b.example "', means("audience", "https://b.example")),
    ('audience = ""', refused("must be one word")),
    ('audience = "x"\ncredentials = "none"', warned('with credentials = "none" there is no token')),
    ('token_header = "Authorisation"', refused("did you mean Authorization?")),
    ('token_header = "Autorization"', refused("did you mean Authorization?")),
    ('token_header = "X-Serverless-Authorisation"', refused("X-Serverless-Authorization?")),
    ('token_header = "Bearer"', refused("did you mean Authorization?")),
    ('token_header = "Authorization:"', refused("this is not a header name")),
    ('token_header = "AUTO"', means("token_header", "auto")),
    (
        'token = "eyJhbGciOi"',
        refused('must be "identity" or "access"; to say where a token comes from'),
    ),
    ('scopes = "https://x"', refused('add token = "access"')),
    ('credentials = "ADC"', means("credentials", "adc")),
    ('credentials = "gloud"', refused('did you mean "gcloud"?')),
    ('credentials = "default"', refused('did you mean "adc"?')),
    ('credentials = "service-account"', refused('did you mean "file:KEY.json"?')),
    ('credentials = "./key.json"', refused("did you mean file:./key.json?")),
    ('credentials = "file=key.json"', refused("did you mean file:key.json?")),
    ('credentials = "env:TOKEN"', refused("did you mean token-env:TOKEN?")),
    ('credentials = "command:no-such-program-here x"', warned("there is no program")),
    ('credentials = "file:"', refused("needs the path of a service account's key file")),
    ('credentials = "file:none.json"', refused("none.json")),
    ('credentials = ""', refused("is not a source of tokens")),
    ('impersonate = "me@gmail.com"', refused("only service accounts can be impersonated")),
    ('impersonate = "caller"', refused("is not a service account; write NAME@PROJECT")),
    (
        'impersonate = "serviceAccount:a@p.iam.gserviceaccount.com"',
        means("impersonate", "a@p.iam.gserviceaccount.com"),
    ),
    ('delegates = "a@p.iam"', refused("add impersonate")),
    ('impersonate = "a@p.iam"\ndelegates = "a@p.iam"', refused("is the end of the chain")),
    # headers
    ('api_key = "hunter2"', refused("a key must not be written here")),
    ('api_key = "$KEY"', refused("a key must not be written here")),
    ('api_key = "ENV: NOT_SET"', refused("the environment variable NOT_SET is not set")),
    ('api_key = "env:NOT_SET"', refused("the environment variable NOT_SET is not set")),
    ('api_key_header = "X-Key"', warned("has no effect: there is no api_key")),
    ('secret_headers = ["X-A: hunter2"]', refused("a key must not be written here")),
    ('secret_headers = ["X-A=env:B"]', refused("this is not a header; write it as in")),
    ('add_headers = { X-A = "b" }', refused('must be a list of lines, as in ["X-Name: value"]')),
    ('add_headers = "X-A: b, c"', means("add_headers", ["X-A: b, c"])),
    ('add_headers = ["X-A"]', refused('write it as in "X-Environment: test"')),
    ('add_headers = ["X-Auth-Token: hunter2"]', refused("looks like a secret")),
    ('remove_headers = "X-A"\nadd_headers = "X-A: b"', warned("X-A has no effect")),
    ('remove_headers = ["X-A:"]', refused("this is not the name of a header")),
    # clients and names
    ('allow = "10.0.0.0/8"', warned("lets nobody in: none of them may connect at all")),
    ('deny = ["127.0.0.0/8", "::1"]', warned("lets nobody in: it denies all who may connect")),
    ('allow = "127.0.0.1"\ndeny = "127.0.0.1"', refused("denies all who are allowed")),
    ('deny = "10.0.0.0/8"', warned("10.0.0.0/8 has no effect: it is not allowed anyway")),
    ('hosts = "http://proxy.example:80"', refused("write it without scheme, port and path: proxy")),
    ('hosts = "*.a.example"', refused("each name by itself, without *")),
    ('hosts = ["a.example", "A.example"]', warned('"A.example" is there twice')),
    ('hosts = "a.example, B.example"', means("hosts", ["a.example", "b.example"])),
    (f'other_urls = "{URL}"', warned("has no effect: it is url itself")),
    # the way to it
    ('ca_file = ""', refused("needs the path of a file")),
    ('client_key_file = "k.pem"', refused("is a key without a certificate")),
    ("tls_min_version = 1.3", means("tls_min_version", "1.3")),
    ('tls_min_version = "TLSv1.2"', means("tls_min_version", "1.2")),
    ('tls_min_version = "1.1"', refused("TLS 1.1 is not secure")),
    ('egress_proxy = "http://localhost:8080"', refused("is authproxy's own listener")),
    ('egress_proxy = "off"', refused('did you mean "none"?')),
    ('egress_proxy = "proxy"', refused("write http://proxy:3128, or none")),
    ('egress_proxy = "socks5://x:1080"', refused("this is not an HTTP proxy but socks5://")),
    ('egress_proxy = "http://me:hunter2@x"', refused("a password must not be written here")),
    ('connect_timeout = "5s"', means("connect_timeout", 5)),
    ('first_byte_timeout = "1h30m"', means("first_byte_timeout", 5400)),
    ("connect_timeout = 0", refused("must be more than 0")),
    ("connect_timeout = 0.001", warned("too short for most requests")),
    (
        "total_timeout = 1\nfirst_byte_timeout = 5",
        warned("has no effect: the whole exchange ends"),
    ),
    ('tag = "canary"', refused("goes with a service by name")),
    ('service = "acme-prod/europe-west1/b"', refused("and so does url; remove one")),
    # keys that are none
    (
        'service = "projects/acme-prod/locations/us-east4/services/b"',
        refused("acme-prod/us-east4/b"),
    ),
    ("connect = 5", refused('did you mean "connect_timeout"?')),
    ("timeout = 5", refused("write connect_timeout, first_byte_timeout")),
    ('upstream = "https://b"', refused("there is no such key; write url")),
    ('host = "x"', refused("there is no such key; write hosts")),
    ("verify = false", refused("certificates are always checked")),
    ('audiance = "x"', refused('did you mean "audience"?')),
    ('listen = "8080"', refused("it belongs at the top of the file")),
    ("[services.a.timeouts]\nconnect = 5", refused("write connect_timeout")),
]

AT_THE_TOP: Sequence[Row] = [
    # listen
    ("listen = 9000", means("listen", ["localhost:9000"])),
    ('listen = "9000, unix:/tmp/a.sock"', means("listen", ["localhost:9000", "unix:/tmp/a.sock"])),
    (
        'listen = "abc"',
        refused('"abc" is no address; write HOST:PORT, PORT, [IPV6]:PORT or unix:PATH'),
    ),
    ('listen = "http://localhost:8080"', refused("write localhost:8080")),
    ('listen = "/run/a.sock"', refused("write unix:/run/a.sock")),
    ('listen = ":8080"', refused("write localhost:8080 for this machine only")),
    ('listen = "::1:8080"', refused("write [::1]:8080 for a port")),
    ("listen = 70000", refused("write a number from 0 to 65535")),
    ("listen = -1", refused("write a number from 0 to 65535")),
    ('listen = ""', refused("is not an address")),
    ("listen = []", refused("must not be empty")),
    (f'listen = "unix:/{"x" * 120}"', refused("has 107 bytes at most")),
    ('listen = ["8080", "127.0.0.1:8080"]', refused("is a part of localhost:8080")),
    ('listen = ["127.0.0.1:80", "0.0.0.0:80"]\nallow = "::1"', refused("has 127.0.0.1:80")),
    ('listen = "0.0.0.0"', refused("can be reached from other machines")),
    ('listen = "unix:/proc/no/such/a.sock"', warned("there is no folder /proc/no/such")),
    ("port = 9000", refused('to say where clients connect, write listen = "localhost:8080"')),
    # who may
    (
        'listen = "0.0.0.0"\nallow = "0.0.0.0/0"',
        warned("0.0.0.0/0 is every address: anyone who can reach"),
    ),
    ('listen = "0.0.0.0"\nallow = "0.0.0.0"', refused("write 0.0.0.0/0 for all")),
    (
        'listen = "0.0.0.0"\nallow = ["0.0.0.0/1", "128.0.0.0/1"]',
        warned("0.0.0.0/0 is every address"),
    ),
    (
        'listen = "0.0.0.0"\nallow = "10.1.2.3/8"',
        warned("10.1.2.3/8 is the whole range 10.0.0.0/8"),
    ),
    ('allow = "10.0.0.0/8"', warned("lets nobody in: only clients of this machine reach")),
    ('allow = ["127.0.0.1", "10.0.0.0/8"]', warned("10.0.0.0/8 has no effect: only clients of")),
    (
        'allow = ["0.0.0.0/0", "::/0"]',
        warned("0.0.0.0/0 has no effect: only clients of this machine"),
    ),
    ('allow = "127.0.0.1, ::1"', means("allow", ["127.0.0.1/32", "::1/128"])),
    ('allow = "10.0.0.0/33"', refused("the number behind the slash is 32 at most")),
    ('allow = "localhost"', refused("write 127.0.0.1 and ::1")),
    ('allow = "10.0.*"', refused('did you mean "10.0.0.0/16"?')),
    ('allow = "*"', refused("everybody is 0.0.0.0/0 and ::/0")),
    ("allow = []", refused("is empty, so that nobody could connect")),
    ('allow = ["127.0.0.1", ""]', refused("is not an address or a CIDR range")),
    ('allow_file = ""', refused("needs the path of a file")),
    ('allow_file = "empty.txt"', warned("has no addresses, so nobody can connect yet")),
    ('deny = ["127.0.0.0/8", "::1"]', refused("denies all who are allowed")),
    ('deny = "0.0.0.0/0"', warned("0.0.0.0/0 is every IPv4 address")),
    ('deny = "10.0.0.0/8"', warned("has no effect: it is not allowed anyway")),
    ('deny = ["127.0.0.1", "::1"]', warned("lets almost nobody in: programs on this machine")),
    ('listen = "127.0.0.1"\ndeny = "127.0.0.1"', warned("come from 127.0.0.1")),
    ('listen = "[::1]:80"\nallow = ["127.0.0.1", "::1"]\ndeny = "::1"', warned("come from ::1")),
    ('deny = "127.0.0.1"', means("deny", ["127.0.0.1/32"])),
    ('allow = "127.0.0.2"', warned("lets almost nobody in")),
    ('whitelist = "10.0.0.0/8"', refused("write allow")),
    ('trusted_proxies = "0.0.0.0/0"', refused("is every address, so anybody could claim")),
    ('trusted_proxies = ["0.0.0.0/1", "128.0.0.0/1"]', refused("is every address")),
    ('trusted_proxies = "10.0.0.1"', warned("has no effect: only this machine can connect")),
    ('key_header = "X-Key"', refused("has no effect: there are no keys")),
    ("[keys.ci]", refused("has neither sha256 nor file")),
    (f'[keys.CI]\nsha256 = "{DIGEST}"', refused("cannot be a key's name; write lower-case")),
    ('[keys.ci]\nsha256 = "hunter2"', refused("not the key itself")),
    (f'[keys.ci]\nsha256 = "{EMPTY}"', refused("is the digest of an empty key")),
    (f'{KEY}[keys.two]\nsha256 = "{DIGEST}"', refused('is the key "ci" too')),
    (f'{KEY}services = "b"', refused('there is no service "b"')),
    (
        f'{KEY}services = "b"\n[services.b]\nurl = "https://b"',
        warned("cannot be used by anybody: no key lists it"),
    ),
    ('[keys.ci]\nkey = "hunter2"', refused("authproxy key --sha256 prints it")),
    ('[Log]\nlevel = "info"', refused('did you mean "log"?')),
    ('[keys]\nci = "x"', refused("must be a table: write [keys.ci]")),
    ('allow_origins = "*"', refused("would let every web page use your identity")),
    ('allow_origins = "http://localhost:3000/"', means("allow_origins", ["http://localhost:3000"])),
    ('allow_origins = "http://localhost:3000/x"', refused("http://localhost:3000")),
    ('allow_origins = "file://"', warned("has no effect in browsers")),
    ('allow_origins = "moz-extension://"', refused("write what follows as well")),
    (
        'allow_origins = "https://münchen.example"',
        refused("write https://xn--mnchen-3ya.example"),
    ),
    ('allow_origins = "http://127.1"', refused("write http://localhost:3000")),
    ('hosts = "münchen.example"', refused("xn--mnchen-3ya.example")),
    ('hosts = "localhost"', warned("has no effect: localhost and all loopback addresses")),
    ('hosts = "proxy.example:8080"', refused("port and path: proxy.example")),
    ('tls_key_file = "k.pem"', refused("is a key without a certificate; add tls_cert_file")),
    ('tls_cert = "c.pem"', refused('did you mean "tls_cert_file"?')),
    ('egress_proxy = "non"', refused('did you mean "none"?')),
    # listeners
    ("[listeners.lan]", refused('has no address; write listen = "localhost:8081"')),
    ('[listeners.lan]\nlisten = ["81", "82"]', refused("must be text in quotes")),
    ('[listeners.Lan]\nlisten = "81"', refused("cannot be a listener's name")),
    ('[listener.lan]\nlisten = "81"', refused('did you mean "listeners"?')),
    (LAN, refused("can be reached from other machines")),
    (f"{LAN}allow = []", refused("leave it out to allow the one at the top")),
    (f'{LAN}allow = "10.0.0.0/8"\nservice = "b"', refused('there is no service "b"')),
    (f'{LAN}allow = "10.0.0.0/8"\ndeny = "10.0.0.0/7"', refused("denies all who are allowed")),
    (f'{LAN}allow = "10.0.0.0/8"\nsocket_mode = "0660"', warned("is no Unix socket")),
    (
        f'{LAN}allow = "10.0.0.0/8"\npeer_uids = [0]',
        refused("only clients on this one have a user"),
    ),
    (f'{LAN}allow = "10.0.0.0/8"\nproxy_protocol = true', refused("add trusted_proxies")),
    (
        '[listeners.one]\nlisten = "81"\nservice = "a"\n[services.b]\nurl = "https://b"',
        warned("cannot be reached: every listener has another service of its own"),
    ),
    (f"{SOCKET}socket_mode = 600", refused('600 is no file mode; write "0600"')),
    (f"{SOCKET}socket_mode = 0o660", means("listeners.local.socket_mode", "0660")),
    (f'{SOCKET}socket_mode = "rw-------"', refused("is no file mode")),
    (f'{SOCKET}socket_mode = "0400"', refused("lets nobody connect")),
    (f'{SOCKET}socket_mode = "0666"', warned("lets every user of this machine use your identity")),
    (f'{SOCKET}peer_uids = ["root"]', refused("id -u NAME prints it")),
    (f"{SOCKET}peer_uids = [54321]", warned("user 54321 cannot open the socket")),
    (f'{SOCKET}allow = "10.0.0.0/8"', warned("the clients of a Unix socket have no address")),
    (f'{SOCKET}proxy_local = "forward"', warned("it is about listeners with proxy_protocol")),
    ('health_path = "/alive"', means("health_path", "/alive")),
    ('health_path = "/"', refused("/ is the front page of services")),
    # log, limits, timeouts
    ('log = "debug"', refused("must be a table: write [log]")),
    ('log_level = "debug"', refused("it belongs in [log], as level")),
    ('[log]\nlevel = "WARN"', refused('did you mean "warning"?')),
    ('[log]\nlevel = "INFO"', means("log.level", "info")),
    ('[log]\nlevel = ""', refused("must be one of debug, info, warning, error")),
    ('[log]\nfilename = "a.log"', refused("there is no such key; write file")),
    ('[log]\nsample = "150%"', refused("must be at most 1")),
    ('[log]\nsample = "10%"\nslow = "2s"\nuser_agent = true', means("log.sample", 0.1)),
    ('[logging]\nlevel = "info"', refused('did you mean "log"?')),
    ('[log]\naccess = "off"', means("log.access", False)),
    ('[inspect]\nmemory = "16MiB"\nbody_bytes = "8MiB"', means("inspect.body_bytes", 8388608)),
    (
        '[inspect]\nmemory = "16MiB"\nbody_bytes = "9MiB"',
        refused("set inspect.body_bytes to 8388608 at most, or inspect.memory to 18874368"),
    ),
    ('[inspect]\nbody_bytes = "1GiB"', refused("do not fit into 33554432 bytes of memory")),
    ('[limits]\nbody_bytes = "10MB"', means("limits.body_bytes", 10_000_000)),
    ('[limits]\nhead_bytes = "64 KiB"', means("limits.head_bytes", 65536)),
    ('[limits]\nbody_bytes = "10M"', refused("MB is of 1000, MiB of 1024")),
    ("[limits]\nbody_bytes = 10", warned("10 is a number of bytes")),
    ("[limits]\nbody_bytes = -1", refused("must be at least 0")),
    ("[limits]\nconnections_per_service = 0", refused("must be at least 1")),
    ("[limits]\nheaders = 1.5", refused("must be a whole number")),
    ("[limits]\nheaders = true", refused("must be a number, not true or false")),
    ('[limits]\nrequests_per_second = "600/min"', means("limits.requests_per_second", 10)),
    ("[limits]\nburst = 5", warned("has no effect: there is no limit; add requests_per_second")),
    (
        "[limits]\nconnections = 10\nconnections_per_client = 20",
        warned("has no effect: there are no more than 10 connections"),
    ),
    ('[limits]\ntarget_bytes = "1MiB"', warned("has no effect: the whole head has 65536 bytes")),
    ('[limits]\nmax_body = "10MB"', refused("write body_bytes")),
    ('[timeouts]\nconnect = "5m"', means("timeouts.connect", 300)),
    ('[timeouts]\nconnect = "5"', means("timeouts.connect", 5)),
    ("[timeouts]\nconnect = 5000", warned("5000 is 1 h 23 min; for milliseconds write 5000ms")),
    ("[timeouts]\nconnect = 0", refused("must be more than 0")),
    ("[timeouts]\nconnect = -1", refused("must be more than 0")),
    ("[timeouts]\nconnect = nan", refused("must be a finite number")),
    ("[timeouts]\nconnect = inf", refused("must be a finite number")),
    ('[timeouts]\nconnect = "soon"', refused("30s, 5m, 1h, 250ms")),
    ("[timeouts]\nconnect_timeout = 5", refused('did you mean "connect"?')),
    ("[timeouts]\nidle = 5", refused("write stream_idle")),
    ("[timeouts]\ntotal = 5\nconnect = 9", warned("the whole exchange ends after 5 s")),
    ("[timeout]\nconnect = 5", refused('did you mean "timeouts"?')),
    ("connect = 5", refused("it belongs in [timeouts]")),
    # services
    ('url = "https://b"', refused("it belongs in [services.NAME]")),
    ('[service.b]\nurl = "https://b"', refused('did you mean "services"?')),
    ('[b]\nurl = "https://b"', refused("a service's table is called [services.b]")),
    ("[services.b]", refused('the service "b" has no url')),
    ('[services.B]\nurl = "https://b"', refused("cannot be a service's name; write lower-case")),
    ('[services."my svc"]\nurl = "https://b"', refused("at most: my-svc")),
    ("[services.b]\nurl = 5", refused("must be text in quotes")),
    ('[services.b]\nurl = "$SERVICE_URL"', refused("variables are not replaced here")),
    (f'[services.b]\nurl = "{URL}"', warned('is the same as the service "b"')),
    (
        '[services.b]\nurl = "https://t---b-x-ew.a.run.app"\n'
        'audience = "https://t---b-x-ew.a.run.app"',
        warned("has a traffic tag, which no audience has; write https://b-x-ew.a.run.app"),
    ),
    ('[services.b]\nurl = "https://SERVICE.run.app"', warned("is the address of an example")),
    ('[services.b]\nurl = "https://console.cloud.google.com/run"', warned("is Google's console")),
    (f'[services.b]\nurl = "https://b"\nother_urls = "{URL}"', warned('is the service "a"')),
    ('[services.b]\nurl = "b.run.app"', refused("write https://b.run.app")),
    ('[services.b]\nurl = "localhost:3000"', refused("write http://localhost:3000")),
    (
        '[services.b]\nurl = "https//b.run.app"',
        refused("a colon is missing: write https://b.run.app"),
    ),
    ('[services.b]\nurl = "https:/b.run.app"', refused("two slashes belong behind the colon")),
    ('[services.b]\nurl = "wss://b"', refused("write https://b")),
    ('[services.b]\nurl = "http://b.example"', refused("its token unencrypted")),
    ('[services.b]\nurl = "https://b:70000"', refused("is not a port")),
    ('[services.b]\nurl = "https://b:0"', refused("must be a number from 1 to 65535")),
    ('[services.b]\nurl = "https://u:hunter2@b"', refused("user name or password")),
    ('[services.b]\nurl = "https://b/"', means("services.b.url", "https://b")),
    ('[services.b]\nurl = "http://localhost:8080"', refused("it would call itself")),
    ('[services.b]\nurl = "https://b"\nhosts = "a.localhost"', refused("already belongs to")),
    (
        '[services.b]\nurl = "https://b"\nhosts = "localhost"\n[services.c]\nurl = "https://c"\n'
        'path = "/c"',
        refused("would belong to this service alone"),
    ),
    (
        'hosts = "b.example"\n[services.b]\nurl = "https://b"\nhosts = "b.example"',
        warned('has no effect: it is a name of the service "b"'),
    ),
    (
        '[services.b]\nurl = "http://localhost:3000"\ntls_min_version = "1.3"',
        warned("is reached without TLS"),
    ),
    (
        '[services.b]\nurl = "https://b-x-ew.a.run.app"\ntoken_header = "X-Token"',
        warned("Cloud Run looks into Authorization and X-Serverless-Authorization only"),
    ),
    ("access_log = false", refused("write access in [log]")),
    ("verbose = true", refused('write level = "debug" in [log]')),
    ("rate_limit = 5", refused("write requests_per_second in [limits]")),
    ('listen = "fd:3"', refused("write systemd for what it has opened")),
    ('allow = "fe80::1%eth0"', refused("without the zone: fe80::1")),
    ('[services.b]\nurl = "https://b/*"', refused("is a pattern; write https://b; all that is")),
    ('[services.b]\nurl = "https://b/v1/*/x"', refused("is a pattern; write https://b/v1; all")),
    ('[services.b]\nurl = "grpc://b:443"', refused("write https://b:443")),
    ('[services.my.app]\nurl = "https://b"', refused("write [services.my-app]")),
    ('[services.b]\nservice = "b"', refused('write it as in "acme-prod/europe-west1/billing"')),
    # the syntax
    ("listen = localhost:8080", refused("text must be in quotes")),
    ('listen = "8080', refused("the quotation mark at the end is missing")),
    ("listen: 8080", refused("a line is KEY = VALUE")),
    ("[log]\naccess = False", refused("write true or false")),
    ("[timeouts]\nconnect = 30s", refused("amounts with a unit must be in quotes")),
    ("allow = 10.0.0.0/8", refused("amounts with a unit must be in quotes")),
    ("hosts = [“a.example”]", refused("write straight quotation marks")),
    ("// allow everybody", refused("a comment begins with #")),
    ('{ "listen": 8080 }', refused("this is no JSON but TOML")),
    ('tls_cert_file = "C:\\certs"', refused("write '…' in place of")),
    ("listen =", refused("a value is missing")),
    ("hosts = []\nhosts = []", refused("it is there twice; remove one")),
]

IN_THE_ENVIRONMENT: Sequence[tuple[Mapping[str, str], tuple[str, object]]] = [
    ({"AUTHPROXY_METHODS": "readonly"}, refused('did you mean "read-only"?')),
    ({"AUTHPROXY_DENY_PATHS": "/admin/*, /x"}, means("services.a.deny_paths", ["/admin", "/x"])),
    ({"AUTHPROXY_SERVICES_A_METHOD": "GET"}, refused("AUTHPROXY_SERVICES_NAME_METHODS?")),
    ({"AUTHPROXY_SERVICES_B_METHODS": "GET"}, refused('the service "b" has no url')),
    ({"AUTHPROXY_SERVICE_A_METHODS": "GET"}, refused("did you mean AUTHPROXY_SERVICES_A_METHODS?")),
    ({"AUTHPROXY_LISTENER_B_LISTEN": "1"}, refused("did you mean AUTHPROXY_LISTENERS_B_LISTEN?")),
    ({"AUTHPROXY_SOCKET_MODE": "0600"}, refused("AUTHPROXY_LISTENERS_NAME_SOCKET_MODE")),
    ({"AUTHPROXY_KEY": "hunter2"}, refused("AUTHPROXY_KEYS_NAME_FILE=PATH for one that clients")),
    ({"AUTHPROXY_LOG": "debug"}, refused("write AUTHPROXY_LOG_LEVEL=debug")),
    ({"AUTHPROXY_ALLOW": "127.0.0.1 ::1"}, refused("write commas between: 127.0.0.1, ::1")),
    ({"AUTHPROXY_SERVICES_A_URL": "https://b.example"}, means("services.a.url", URL)),
    ({"AUTHPROXY_ALOW": "::1"}, refused("did you mean AUTHPROXY_ALLOW?")),
    ({"AUTHPROXY_ALLOW": '["::1"]'}, refused("has quotation marks or brackets")),
    ({"AUTHPROXY_AUDIENCE": '"x"'}, refused("has quotation marks or brackets")),
    ({"AUTHPROXY_ACCESS_LOG": "FALSE"}, means("log.access", False)),
    ({"AUTHPROXY_ACCESS_LOG": "maybe"}, refused("must be true or false")),
    ({"AUTHPROXY_LOG_ACCESS": "no"}, refused("did you mean AUTHPROXY_ACCESS_LOG?")),
    ({"AUTHPROXY_LOG_LEVEL": " Debug "}, means("log.level", "debug")),
    ({"AUTH_PROXY_METHODS": "GET"}, warned("is not read: the names of variables are in capitals")),
    ({"authproxy_methods": "GET"}, warned("is not read")),
    ({"AUTHPROXY_DEBUG": "1"}, refused("write AUTHPROXY_LOG_LEVEL=debug")),
    ({"AUTHPROXY_TIMEOUTS_CONNECT": "30s"}, means("timeouts.connect", 30)),
    ({"AUTHPROXY_LIMITS_BODY_BYTES": "10MB"}, means("limits.body_bytes", 10_000_000)),
    (
        {"AUTHPROXY_ADD_HEADERS": "X-A: b, c, X-D: e"},
        means("services.a.add_headers", ["X-A: b, c", "X-D: e"]),
    ),
    ({"AUTHPROXY_TLS_CERT": "none.pem"}, refused('there is no file "none.pem"')),
    ({"AUTHPROXY_KEY_HEADER": "X-Key"}, refused("has no effect: there are no keys")),
    ({"AUTHPROXY_PORT": "9000"}, means("listen", ["localhost:9000"])),
    ({"AUTHPROXY_PORT": "tcp://10.0.0.1:80"}, means("listen", ["localhost:8080"])),
    ({"AUTHPROXY_PORT": "http"}, refused("must be a number from 0 to 65535")),
    ({"AUTHPROXY_PORT": "9000", "AUTHPROXY_LISTEN": "localhost:81"}, refused("has no effect")),
    ({"PORT": "70000"}, refused("must be a number from 0 to 65535")),
    (BY_NAME, means("services.a.url", URL)),
    (
        {**BY_NAME, "AUTHPROXY_URL": "billing"},
        means("services.a.url", URL),
    ),
    ({"AUTHPROXY_TOKEN": "eyJ"}, refused("write AUTHPROXY_CREDENTIALS=token-env:NAME")),
    ({"AUTHPROXY_HOST": "0.0.0.0"}, refused("write AUTHPROXY_LISTEN=localhost:8080")),
    ({"HTTPS_PROXY": "socks5://x"}, refused("this is not an HTTP proxy but socks5://")),
]

AS_FLAGS: Sequence[tuple[Sequence[str], tuple[str, object]]] = [
    (["-p", "9000"], means("listen", ["localhost:9000"])),
    (["-p", "9000", "-l", "127.0.0.1"], means("listen", ["127.0.0.1:9000"])),
    (["-p", "9000", "-l", "localhost:81"], refused("localhost:81 has one of its own")),
    (["--port", "http"], refused("must be a number from 0 to 65535")),
    (["-v"], means("log.level", "debug")),
    (["-q"], means("log.level", "warning")),
    (["-q"], means("log.access", False)),
    (["-q", "--access-log"], means("log.access", True)),
    (["--listen", "abc"], refused('"abc" is no address')),
    (["--allow", "127.0.0.1,::1"], means("allow", ["127.0.0.1/32", "::1/128"])),
    (["--allow", ""], refused("is not an address or a CIDR range")),
    (["--credentials", "key.json"], refused("did you mean file:key.json?")),
    (["--api-key", "hunter2"], refused("a key must not be written here")),
    (["--tag", "canary"], refused("goes with a service by name")),
    (["--log-format", "xml"], refused("must be one of auto, text, json")),
    (["--audience", "x", "b=https://b.example"], warned("would be the audience of every service")),
    (["localhost:3000"], refused("write http://localhost:3000")),
    (["https//b.run.app"], refused("a colon is missing: write https://b.run.app")),
    (["https://b.example,https://c.example"], refused("is more than one address; write each by")),
    (["'https://b.example'"], refused("write it without quotation marks")),
    (["B=https://b.example"], refused("at most: b")),
    (["--project", "acme-prod"], refused("is for services given by name")),
]


def check(
    argv: Sequence[str], environ: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    code = run(["check", "--json", *argv], environ=environ)
    out, err = capsys.readouterr()
    found: dict[str, Any] = json.loads(out)
    assert ("", 0 if found["ok"] else 2) == (err, code)
    assert "hunter2" not in out
    return found


def assert_verdict(found: dict[str, Any], verdict: tuple[str, Any], *, inside: str = "") -> None:
    kind, expected = verdict
    problems = [each["message"] for each in found["problems"]]
    warnings = [each["message"] for each in found["warnings"]]
    if kind == "refused":
        assert any(expected in message for message in problems), (problems, warnings)
        return
    assert [] == problems
    if kind == "warned":
        assert any(expected in message for message in warnings), warnings
        return
    key, value = expected
    at = found["settings"]
    for part in f"{inside}{key}".split("."):
        at = at[part]
    assert (value, []) == (at, warnings)


@pytest.mark.parametrize(("line", "verdict"), IN_A_SERVICE, ids=lambda one: str(one)[:70])
def test_a_line_for_a_service(
    line: str, verdict: tuple[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(f"{SERVICE}{line}\n")

    assert_verdict(check(["-c", str(file)], {}, capsys), verdict, inside="services.a.")


@pytest.mark.parametrize(("lines", "verdict"), AT_THE_TOP, ids=lambda one: str(one)[:70])
def test_lines_beside_a_service(
    lines: str, verdict: tuple[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "authproxy.toml"
    (tmp_path / "empty.txt").touch()
    file.write_text(f"{lines}\n{SERVICE}")

    assert_verdict(check(["-c", str(file)], {}, capsys), verdict)


@pytest.mark.parametrize(("environ", "verdict"), IN_THE_ENVIRONMENT, ids=lambda one: str(one)[:70])
def test_variables(
    environ: Mapping[str, str],
    verdict: tuple[str, object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert_verdict(check([f"a={URL}"], environ, capsys), verdict)


@pytest.mark.parametrize(("argv", "verdict"), AS_FLAGS, ids=lambda one: str(one)[:70])
def test_flags(
    argv: Sequence[str], verdict: tuple[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert_verdict(check([f"a={URL}", *argv], {}, capsys), verdict)


@pytest.mark.parametrize("flag", ["--audience", "-c", "--log-level", "--port", "--credentials"])
def test_a_flag_that_stands_once_is_not_taken_twice(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(["check", flag, "1", flag, "2", URL], environ={})
    assert "is given twice; write it once" in capsys.readouterr().err


ODD_VALUES = (
    *(
        '""',
        '" "',
        '"x"',
        '"x, y"',
        '"*"',
        '"$X"',
        '"a b"',
        '"\\u0000"',
        "0",
        "-1",
        "1.5",
        "nan",
        "true",
    ),
    *("[]", '[""]', '["x", 3]', "[[]]", "{}", '{ a = "b" }', "1979-05-27", '"' + "9" * 5000 + '"'),
)


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: str(value)[:12])
def test_no_value_of_any_setting_ends_in_a_traceback(value: str, tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    names = {"services": "a", "listeners": "lan", "keys": "ci"}
    for path in PATHS:
        table = ".".join(names.get(path[0], "") if part == EVERY else part for part in path[:-1])
        lines = {"services.a": f'url = "{URL}"\n', "listeners.lan": 'listen = "81"\n'}
        body = lines.get(table, "") if path[-1] not in ("url", "listen") else ""
        written = f"[{table}]\n{body}{path[-1]} = {value}\n" if table else f"{path[-1]} = {value}\n"
        file.write_text(written if table == "services.a" else f"{written}{SERVICE}")

        with suppress(ConfigError):
            load(urls=[], file=file, flags={}, environ={}, warn=str)


def test_the_tables_are_as_long_as_they_were_promised() -> None:
    assert len([*IN_A_SERVICE, *AT_THE_TOP, *IN_THE_ENVIRONMENT, *AS_FLAGS]) >= 171
