#!/bin/sh
# mypyc 2.4.1: a class attribute with the default None is never set, if its type is a union of two
# classes or more with None.
#
# What one would guess: compiled code behaves as the same code interpreted, or the compiler says that
# it cannot. With one class and None it does behave so.
# What happens: it compiles without a word, and to read the attribute raises AttributeError, though
# mypy knows that it has a default.
# Why it matters: a module that passes its tests interpreted fails when it is compiled, on the path
# that reads the default first.
# Seen with: mypy 2.4.1 (its mypyc), setuptools 84.2.1, Python 3.11, Linux, gcc 12. Needs gcc.
#   interpreted: one None, two None
#   compiled:    one None, two AttributeError
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'mypy==2.4.1' 'setuptools==84.2.1'
mkdir "$work/plain" "$work/built"
cat >"$work/plain/shapes.py" <<'PYTHON'
class Circle: ...


class Square: ...


class Drawing:
    one: Circle | None = None
    two: Circle | Square | None = None
PYTHON
cat >"$work/look.py" <<'PYTHON'
import shapes


def read(name):
    try:
        return repr(getattr(shapes.Drawing(), name))
    except AttributeError as error:
        return type(error).__name__


print(f"one {read('one')}, two {read('two')}")
PYTHON
cp "$work/plain/shapes.py" "$work/built/"
(cd "$work/built" && PATH="$work/venv/bin:$PATH" mypyc shapes.py >"$work/log" 2>&1) || { cat "$work/log"; exit 2; }
plain="$(PYTHONPATH="$work/plain" "$work/venv/bin/python" "$work/look.py")"
built="$(PYTHONPATH="$work/built" "$work/venv/bin/python" "$work/look.py")"
ls "$work/built"/shapes*.so >/dev/null
echo "interpreted: $plain"
echo "compiled:    $built"
[ "$plain" = "one None, two None" ] && [ "$built" = "one None, two AttributeError" ]
