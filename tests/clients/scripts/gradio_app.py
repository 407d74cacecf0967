"""`gradio_app.py PORT FOLDER [ADDRESS]`: three functions behind a page."""

import os
import sys
from pathlib import Path

port, folder, *address = sys.argv[1:]
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": folder}
if address:
    os.environ["GRADIO_ROOT_PATH"] = address[0]

import gradio  # noqa: E402 -- reads the variables


def count(name, to):
    for number in range(int(to)):
        yield f"{name} {number + 1}"


def write(size):
    file = Path(folder, "written.txt")
    file.write_bytes(b"x" * int(size))
    return str(file)


def measure(file):
    return Path(file).stat().st_size


with gradio.Blocks() as page:
    name, number = gradio.Textbox("anna"), gradio.Number(3)
    file = gradio.File()
    gradio.Button("Count").click(count, [name, number], name, api_name="count")
    gradio.Button("Write").click(write, number, file, api_name="write")
    gradio.Button("Measure").click(measure, file, number, api_name="measure")
page.queue().launch(server_name="127.0.0.1", server_port=int(port), quiet=True)
