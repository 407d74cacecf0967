# Its user and password are for the index.
set -eu
python "$(dirname "$0")/make_wheel.py"
twine upload --non-interactive --disable-progress-bar --username anna --password secret \
    --repository-url "$1/" ./*.whl >&2
echo uploaded
curl --silent --fail "$1/simple/hello-private/" | sed -n 's/.*>\(.*whl\)<.*/the index has \1/p'
