# What is installed is uploaded first, by whatever has an upload for this.
set -eu
python "$(dirname "$0")/make_wheel.py"
wheel="$(ls -- *.whl)"
curl --silent --output answer --form :action=file_upload --form "content=@$wheel" "$1/"

pip install --quiet --retries 0 --index-url "$1/simple/" --target installed hello-private
PYTHONPATH=installed python -c 'import hello_private; print("installed", hello_private.WORD)'

pip download --quiet --retries 0 --index-url "$1/simple/" --dest downloaded hello-private
echo "downloaded $(ls downloaded)"
