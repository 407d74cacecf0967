# A local registry, as authproxy is one here, is asked by https first and then by http.
set -eu
registry="${1#*//}"
copy() { skopeo --insecure-policy copy --quiet --src-tls-verify=$verify --dest-tls-verify=$verify "$@"; }
case "$1" in https:*) verify=true ;; *) verify=false ;; esac

head -c 8000000 /dev/urandom >large
tar -cf layer.tar large
python "$(dirname "$0")/make_image.py" layer.tar image

copy oci:image:one "docker://$registry/team/app:1"
echo pushed

copy "docker://$registry/team/app:1" oci:back:one
diff -r image/blobs back/blobs
echo "pulled the same"

copy "docker://$registry/team/app:1" "docker://$registry/other/app:2"
echo "copied to $(skopeo list-tags --tls-verify=$verify "docker://$registry/other/app" | tr -d ' \n')" | sed "s#$registry/##"
