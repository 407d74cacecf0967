# MOVE and COPY name the place to go to by its whole address, in `Destination`.
set -eu
run() { command rclone --config /dev/null --webdav-url "$url" --retries 1 --low-level-retries 1 "$@"; }
url="$1"

mkdir -p here/inner
head -c 3000000 /dev/urandom >here/inner/large
echo text >'here/with blank & ümlaut#1.txt'
run copy here :webdav:there
run check here :webdav:there
echo "copied $(run lsf --recursive --files-only :webdav:there | wc -l) files"

run moveto :webdav:there :webdav:moved
run copyto :webdav:moved/inner/large :webdav:moved/again
run lsf --recursive --files-only :webdav:moved | sort

run cat --offset 1000000 --count 1000 :webdav:moved/again >range
tail -c +1000001 here/inner/large | head -c 1000 | cmp - range
echo "read a range of $(wc -c <range)"
