# With --fail a refusal is an error.
set -eu
curl() { command curl --fail --silent --show-error "$@"; }
status() { curl --output /dev/null --write-out '%{http_code}\n' "$@"; }

answer="$(status "$1/whoami")"
echo "whoami $answer"

head -c 3000000 /dev/zero >large
answer="$(curl --upload-file large "$1/upload")"
echo "uploaded $answer" | sed 's/{"bytes": \([0-9]*\).*/\1/'

answer="$(curl --no-buffer "$1/clock?every=0.1&count=2")"
echo streamed $(echo "$answer" | grep id)

answer="$(status --location "$1/redirect?absolute=1")"
echo "redirected $answer"

answer="$(status --http2-prior-knowledge "$1/whoami")"
echo "over HTTP/2 $answer"
