"""Asks with OpenAI's Python client; prints what came as JSON. Run by test/src/api/openai.test.ts."""

import json
import sys

import openai

url, model = sys.argv[1:]
client = openai.OpenAI(base_url=url, api_key="any", max_retries=0)
messages = [{"role": "user", "content": "What is 12 plus 30?"}]


def error_of(**options):
    try:
        client.chat.completions.create(**{"model": model, "messages": messages, **options})
    except openai.APIStatusError as error:
        return error


whole = client.chat.completions.create(model=model, messages=messages)
stream = client.chat.completions.create(model=model, messages=messages, stream=True)
streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
wrong = error_of(temperature=9)
result = {
    "text": whole.choices[0].message.content,
    "streamed": streamed,
    "finish": whole.choices[0].finish_reason,
    "missing": type(error_of(model="none")).__name__,
    "wrong": [type(wrong).__name__, wrong.param],
    "models": [one.id for one in client.models.list()],
}
print(json.dumps(result))
