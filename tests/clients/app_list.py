"""Applications with clients of their own, or with a page."""

import sys

from tests.clients.client import Client
from tests.clients.services.apps import gradio, jupyter, streamlit

APPS = [
    Client(
        name="Jupyter",
        script="with_jupyter.py",
        service=jupyter,
        says=("45", "1000000", "on Cloud Run"),
        fails="HTTP 401: Unauthorized",
    ),
    Client(
        name="gradio_client",
        script="with_gradio.py",
        service=gradio,
        says=("anna 1", "anna 2", "anna 3", "a file of 300000", "300000"),
        fails="Could not fetch config",
    ),
    Client(
        name="Streamlit",
        script="streamlit.sh",
        arguments=(sys.executable,),  # its Chromium is driven by what the tests bring along
        service=streamlit,
        says=("Hello", "pressed by nobody"),
        fails="Error: Forbidden",
    ),
]
