"""Asks for responses with OpenAI's Python client; prints what came as JSON. Run by test/src/api/responses.test.ts."""

import json
import sys

import openai

url, model, tool_model = sys.argv[1:]
client = openai.OpenAI(base_url=url, api_key="any", max_retries=0)
question = "What is 12 plus 30?"
endless = {"model": model, "input": question, "max_output_tokens": 480, "extra_body": {"ignore_eos": True}}
parameters = {
    "type": "object",
    "properties": {"city": {"enum": ["Oslo", "Rome"]}},
    "required": ["city"],
    "additionalProperties": False,
}
tools = [{"type": "function", "name": "weather", "parameters": parameters, "strict": True}]


def error_of(work):
    try:
        work()
    except openai.APIStatusError as error:
        return error


def streamed(**options):
    with client.responses.stream(**options) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        return text, stream.get_final_response()


whole = client.responses.create(model=model, input=question)
text, _ = streamed(model=model, input=[{"role": "user", "content": question}])
forced = {"tools": tools, "tool_choice": {"type": "function", "name": "weather"}}
_, called = streamed(model=tool_model, input=question, **forced)
call = called.output[0]
output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
after = client.responses.create(
    model=tool_model, previous_response_id=called.id, input=[output], tools=tools, max_output_tokens=8
)
retrieved = client.responses.retrieve(whole.id)
client.responses.delete(whole.id)
wrong = error_of(lambda: client.responses.create(model=model, input=question, temperature=9))
cut = client.responses.create(model=model, input=question, max_output_tokens=3)
left = False
stream = client.responses.create(stream=True, **endless)
for event in stream:
    if event.type == "response.output_text.delta":
        stream.close()
        left = True
        break
background = client.responses.create(background=True, **endless)
result = {
    "text": whole.output_text,
    "streamed": text,
    "call": call.name,
    "city": json.loads(call.arguments)["city"],
    "after": after.status,
    "retrieved": retrieved.output_text,
    "deleted": type(error_of(lambda: client.responses.retrieve(whole.id))).__name__,
    "missing": type(error_of(lambda: client.responses.create(model="none", input=question))).__name__,
    "wrong": [type(wrong).__name__, wrong.param],
    "incomplete": cut.incomplete_details.reason,
    "left": left,
    "cancelled": client.responses.cancel(background.id).status,
}
print(json.dumps(result))
