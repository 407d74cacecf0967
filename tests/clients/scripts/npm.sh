# npm does not publish without a token. It goes to the registry; authproxy's is in another field.
set -eu
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false npm_config_loglevel=error
printf '%s\n' "registry=$1/" "replace-registry-host=always" "${1#*:}/:_authToken=of-the-registry" >.npmrc

mkdir published user
echo '{"name": "hello-private", "version": "1.0.0", "main": "hello.js"}' >published/package.json
echo 'module.exports = "hello";' >published/hello.js
(cd published && npm publish)

cd user
export npm_config_cache="$PWD/cache"  # in the other one it is already
npm init --yes >init
npm install hello-private >answer
node --print '"installed " + require("hello-private")'
