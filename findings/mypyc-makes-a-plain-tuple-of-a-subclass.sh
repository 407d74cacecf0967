#!/bin/sh
# mypyc 2.4.1: a tuple of a subclass that passes through a compiled function as `tuple[bytes, bytes]`
# comes out as a plain tuple.
#
# What one would guess: a function that gives back what it was given gives back the same object, as
# the same code does when it is interpreted; or the compiler says that it will not.
# What happens: compiled code takes a tuple of fixed length apart when it comes in and makes a new one
# when it goes out. What the subclass said is lost, without a word from the compiler, and `isinstance`
# says no to what it said yes to before.
# Why it matters: hpack marks a field that must not be indexed by its class, `NeverIndexedHeaderTuple`.
# Behind one compiled function the mark is gone, and the field's value goes into the compression table.
# Seen with: mypy 2.4.1 (its mypyc), setuptools 84.2.1, hpack 4.2.0, Python 3.11, Linux, gcc 12.
# Needs gcc.
#   interpreted: NeverIndexedHeaderTuple, the same object, 0 fields in the table
#   compiled:    tuple, another object, 1 field in the table
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    'mypy==2.4.1' 'setuptools==84.2.1' 'hpack==4.2.0'
mkdir "$work/plain" "$work/built"
cat >"$work/plain/fields.py" <<'PYTHON'
def hand_on(field: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    return field
PYTHON
cat >"$work/look.py" <<'PYTHON'
import fields
import hpack

given = hpack.NeverIndexedHeaderTuple(b"x-word", b"abc")
got = fields.hand_on(given)
encoder = hpack.Encoder()
encoder.encode([got])
held = len(encoder.header_table.dynamic_entries)
same = "the same object" if got is given else "another object"
print(f"{type(got).__name__}, {same}, {held} field{'s' * (held != 1)} in the table")
PYTHON
cp "$work/plain/fields.py" "$work/built/"
(cd "$work/built" && PATH="$work/venv/bin:$PATH" mypyc fields.py >"$work/log" 2>&1) || { cat "$work/log"; exit 2; }
plain="$(PYTHONPATH="$work/plain" "$work/venv/bin/python" "$work/look.py")"
built="$(PYTHONPATH="$work/built" "$work/venv/bin/python" "$work/look.py")"
ls "$work/built"/fields*.so >/dev/null
echo "interpreted: $plain"
echo "compiled:    $built"
[ "$plain" = "NeverIndexedHeaderTuple, the same object, 0 fields in the table" ] &&
    [ "$built" = "tuple, another object, 1 field in the table" ]
