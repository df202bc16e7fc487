"""llama.cpp for benchmarks in other languages: writes the peer's file, loads it, and answers one line of JSON with one.

The first line out says that the model is loaded. Each line in is `{"threads": 1, "prompt": [ids…], "tokens": 48}`; the
answer has `prefill_microseconds` and `token_microseconds`.
"""

import ctypes
import json
import pathlib
import sys
import tempfile

import llama_cpp
from llama_cpp_peer import LlamaCpp
from write_gguf import write


def main() -> None:
    checkpoint, storage = pathlib.Path(sys.argv[1]), sys.argv[2]
    # llama.cpp logs in volume, which would hide errors.
    silent = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    with tempfile.TemporaryDirectory(dir=checkpoint) as directory:
        path = pathlib.Path(directory) / f'{storage}.gguf'
        write(checkpoint, storage, path)
        peer = LlamaCpp(str(path))
        print(json.dumps({'storage': storage}), flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            print(json.dumps(peer.generate(order['threads'], order['prompt'], order['tokens'])), flush=True)
        peer.close()


if __name__ == '__main__':
    main()
