# Where each second begins stands at the end of the file, so it jumps there and back.
set -eu
film="$1/film.mp4"

seconds="$(ffprobe -loglevel error -show_entries format=duration -of csv=print_section=0 "$film")"
echo "a film of ${seconds%.*} seconds"

ffmpeg -nostdin -loglevel verbose -ss 15 -i "$film" -frames:v 1 picture.png 2>log || { cat log >&2; exit 1; }
read="$(sed -n 's/.*Statistics: \([0-9]*\) bytes read.*/\1/p' log | head -n 1)"
whole="$(ffprobe -loglevel error -show_entries format=size -of csv=print_section=0 "$film")"
[ "$read" -lt $((whole / 2)) ] || { echo "it read $read of $whole bytes" >&2; exit 1; }
echo "a picture of second 15, without reading it all"
