"""`make_wheel.py`: a wheel of the module `hello_private`, here."""

import zipfile

WHEEL = "hello_private-1.0-py3-none-any.whl"
ABOUT = "hello_private-1.0.dist-info"
files = {
    "hello_private.py": "WORD = 'hello'\n",
    f"{ABOUT}/METADATA": "Metadata-Version: 2.1\nName: hello-private\nVersion: 1.0\n",
    f"{ABOUT}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
files[f"{ABOUT}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{ABOUT}/RECORD"))
with zipfile.ZipFile(WHEEL, "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
