# A pack of 8 MB is sent in chunks, after a question that is without a body.
set -eu
export GIT_TERMINAL_PROMPT=0 GIT_AUTHOR_NAME=anna GIT_AUTHOR_EMAIL=anna@example.com \
    GIT_COMMITTER_NAME=anna GIT_COMMITTER_EMAIL=anna@example.com
repository="$1/repo.git"

git clone --quiet "$repository" first
head -c 8000000 /dev/urandom >first/large
git -C first add large
git -C first commit --quiet --message large
git -C first push --quiet origin HEAD:main
echo pushed

known=https://service.example
git config --global "url.$1/.insteadOf" "$known/"
git clone --quiet --branch main "$known/repo.git" second
cmp first/large second/large
echo "cloned $(wc -c <second/large)"

for number in $(seq 50); do git -C first commit --quiet --allow-empty --message "$number"; done
git -C first push --quiet origin HEAD:main HEAD:refs/tags/fifty
git -C second pull --quiet --ff-only
echo "pulled $(git -C second rev-list --count fifty) commits"
