"""A page of Streamlit's own parts: `streamlit run streamlit_app.py`."""

import streamlit

streamlit.title("Hello")
name = streamlit.text_input("Name", "nobody")
if streamlit.button("Press"):
    streamlit.write(f"pressed by {name}")
file = streamlit.file_uploader("File")
if file is not None:
    streamlit.write(f"got {len(file.getvalue())} bytes")
