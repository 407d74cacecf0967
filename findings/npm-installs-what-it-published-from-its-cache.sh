#!/bin/sh
# npm 11: who has published a package installs it afterwards without asking the registry for the file.
#
# What one would guess: `npm install` of a package that is new in a project fetches its tarball from
# the registry, so that publish and install by one user show that the registry hands it out again.
# What happens: `npm publish` puts the tarball into npm's cache, by its digest. An install by the same
# user asks the registry for the description alone, and takes the file out of the cache.
# Why it matters: a test of a registry, or of a proxy in front of one, passes though the file can not
# be fetched. It needs a cache of its own for the install (`--cache`).
# Seen with: npm 11.19.1, Node 20, Linux.
#   same cache:    {"description": 1, "file": 0}
#   another cache: {"description": 1, "file": 1}
set -eu
work="$(mktemp -d)"
trap 'kill "$server" 2>/dev/null || :; rm -rf "$work"' EXIT
server=
npm install --silent --no-audit --no-fund --prefix "$work/tool" npm@11.19.1 >/dev/null
cat >"$work/registry.py" <<'PYTHON'
import base64
import http.server
import json
import sys

kept, asked = {}, {"description": 0, "file": 0}


class Registry(http.server.BaseHTTPRequestHandler):
    """Keeps one package: its description, and its file."""

    def do_PUT(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        [file] = sent.pop("_attachments").values()
        for version in sent["versions"].values():
            version["dist"]["tarball"] = f"http://{self.headers['Host']}/file.tgz"
        kept.update(description=json.dumps(sent).encode(), file=base64.b64decode(file["data"]))
        self.say(201, b"{}")

    def do_GET(self):
        if self.path == "/asked":
            self.say(200, json.dumps(asked).encode())
            asked.update(description=0, file=0)
            return
        what = "file" if self.path.endswith(".tgz") else "description"
        if what not in kept:
            self.say(404, b"{}")
            return
        asked[what] += 1
        self.say(200, kept[what])

    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
mkfifo "$work/port"
python3 "$work/registry.py" >"$work/port" &
server=$!
read -r port <"$work/port"
mkdir "$work/home" "$work/package"
export HOME="$work/home"
printf '//127.0.0.1:%s/:_authToken=anything\nregistry=http://127.0.0.1:%s/\nupdate-notifier=false\naudit=false\nfund=false\n' \
    "$port" "$port" >"$HOME/.npmrc"
npm() { "$work/tool/node_modules/.bin/npm" --silent "$@"; }
echo '{"name": "just-an-example", "version": "1.0.0"}' >"$work/package/package.json"
(cd "$work/package" && npm publish --cache "$work/cache" >/dev/null)
asked() { curl -s "http://127.0.0.1:$port/asked"; }
install() {
    asked >/dev/null
    mkdir "$work/$1"
    (cd "$work/$1" && npm install just-an-example --cache "$2" >/dev/null)
    [ -f "$work/$1/node_modules/just-an-example/package.json" ]
    asked
}
same="$(install same "$work/cache")"
other="$(install other "$work/cache-of-another")"
echo "same cache:    $same"
echo "another cache: $other"
[ "$same" = '{"description": 1, "file": 0}' ] && [ "$other" = '{"description": 1, "file": 1}' ]
