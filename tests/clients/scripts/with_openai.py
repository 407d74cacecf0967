import sys

from openai import OpenAI

client = OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="the-service-checks-this")
question = [{"role": "user", "content": "Who are you?"}]
parts = client.chat.completions.create(model="pretend", messages=question, stream=True)
print(*(part.choices[0].delta.content for part in parts))
