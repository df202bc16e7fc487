"""llama.cpp through the C interface of its Python package."""

import ctypes
import time

import llama_cpp
import numpy


class LlamaCpp:
    """One model; contexts of one and two threads share its weights."""

    def __init__(self, path: str) -> None:
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f'llama.cpp cannot load {path}')
        self.vocabulary_size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.contexts = {}

    def context(self, threads: int):
        if threads not in self.contexts:
            params = llama_cpp.llama_context_default_params()
            params.n_ctx, params.n_batch, params.n_ubatch = 1024, 512, 512
            params.n_threads = params.n_threads_batch = threads
            self.contexts[threads] = llama_cpp.llama_init_from_model(self.model, params)
        return self.contexts[threads]

    def close(self) -> None:
        """Frees the memory of the model and its contexts."""
        for context in self.contexts.values():
            llama_cpp.llama_free(context)
        llama_cpp.llama_model_free(self.model)

    def generate(self, threads: int, prompt: list[int], count: int) -> dict:
        """Greedy decoding; only `llama_decode` is timed."""
        context = self.context(threads)
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        tokens, seconds, batch = [], [], prompt
        for _ in range(count):
            array = (llama_cpp.llama_token * len(batch))(*batch)
            started = time.perf_counter()
            status = llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(array, len(batch)))
            llama_cpp.llama_synchronize(context)
            seconds.append(time.perf_counter() - started)
            if status != 0:
                raise RuntimeError(f'llama_decode failed with {status}')
            logits = llama_cpp.llama_get_logits_ith(context, -1)
            row = numpy.ctypeslib.as_array(ctypes.cast(logits, ctypes.POINTER(ctypes.c_float)), (self.vocabulary_size,))
            tokens.append(int(row.argmax()))
            batch = tokens[-1:]
        microseconds = [value * 1e6 for value in seconds]
        return {'prefill_microseconds': microseconds[0], 'token_microseconds': microseconds[1:], 'tokens': tokens}
