import sys
from pathlib import Path

from gradio_client import Client, handle_file

client = Client(sys.argv[1], verbose=False, download_files="downloads")

for shown in client.submit("anna", 3, api_name="/count"):
    print(shown)

file = client.predict(300_000, api_name="/write")
print("a file of", Path(file).stat().st_size)

print(client.predict(handle_file(file), api_name="/measure"))
