# With --check-status a refusal is an error.
set -eu
http() { command http --check-status --ignore-stdin --body --pretty none "$@"; }

answer="$(http "$1/whoami" Accept:application/json)"
echo "$answer" | sed 's/.*"principal": "\([^"]*\)".*/whoami \1/'

head -c 3000000 /dev/zero >large
answer="$(command http --check-status --body --pretty none POST "$1/upload" <large)"
echo "uploaded $answer" | sed 's/{"bytes": \([0-9]*\).*/\1/'

answer="$(http --stream "$1/clock?every=0.1&count=2")"
echo streamed $(echo "$answer" | grep id)

answer="$(http --follow --headers "$1/redirect?absolute=1")"
echo "redirected $answer" | sed -n 's/HTTP\/1.1 //p'

http --session=kept "$1/cookies" >/dev/null
answer="$(http --session=kept "$1/cookies")"
echo "cookies $answer" | sed 's/{"cookie": \["\(.*\)"\]}/\1/'
