# Its page in Chromium; $2 is a Python with what the tests need.
exec "$2" "$(dirname "$0")/in_chromium.py" "$1"
