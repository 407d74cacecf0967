import os
import sys

os.environ["OLLAMA_HOST"] = sys.argv[1]

import ollama

question = [{"role": "user", "content": "Who are you?"}]
parts = ollama.chat(model="pretend", messages=question, stream=True)
print(*(part.message.content for part in parts))
