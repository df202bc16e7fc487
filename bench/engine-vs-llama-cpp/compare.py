"""Lets the engine and llama.cpp take turns on the same weights, and prints speeds and ratios as JSON."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from llama_cpp_peer import LlamaCpp
from write_gguf import write

SCENARIOS = ['whole-1', 'whole-2', 'pipeline-2', 'tensor-2', 'tensor-3']


class Engine:
    """The engine's benchmark binary, taking orders over pipes."""

    def __init__(self, binary: str, checkpoint: pathlib.Path, storage: str, scenarios: list[str]) -> None:
        arguments = [binary, '--serve', '--checkpoint', str(checkpoint)]
        arguments += ['--storage', storage, '--scenarios', ','.join(scenarios)]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError('the engine ended; its message is above')
        return json.loads(line)

    def ask(self, order: dict):
        self.process.stdin.write(json.dumps(order) + '\n')
        self.process.stdin.flush()
        return self.read()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=60)


def prompt_of(length: int) -> list[int]:
    """The prompt that the engine's benchmark uses."""
    return [(index * 7919 + 13) % 100_000 for index in range(length)]


class Series:
    def __init__(self) -> None:
        self.decode, self.prefill, self.tokens = [], [], []

    def add(self, decode: dict, prefill: dict, prompt: int) -> None:
        self.decode += [1e6 / value for value in decode['token_microseconds']]
        self.prefill.append(prompt * 1e6 / prefill['prefill_microseconds'])
        self.tokens = decode['tokens']

    def summary(self) -> dict:
        speeds = {'decode': self.decode, 'prefill': self.prefill}
        return {
            name: {'best': round(max(values), 2), 'median': round(statistics.median(values), 2)}
            for name, values in speeds.items()
        }


def agreeing_tokens(left: list[int], right: list[int]) -> int:
    pairs = zip(left, right, strict=False)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(left), len(right)))


def compare(storage: str, engine: Engine, peer: LlamaCpp, options: argparse.Namespace) -> dict:
    names = [*options.scenarios, 'llama.cpp-1', 'llama.cpp-2']
    series = {name: Series() for name in names}
    bandwidth = {1: [], 2: []}

    def generate(name: str, prompt: int, tokens: int) -> dict:
        if name.startswith('llama.cpp'):
            return peer.generate(int(name[-1]), prompt_of(prompt), tokens)
        return engine.ask({'scenario': name, 'storage': storage, 'prompt': prompt, 'tokens': tokens})

    for round_number in range(options.rounds):
        for threads, values in bandwidth.items():
            values.append(engine.ask({'bandwidth': threads})['gigabytesPerSecond'])
        # Every other round goes the other way round, so that nobody always follows the same neighbour.
        for name in names if round_number % 2 == 0 else reversed(names):
            series[name].add(generate(name, 8, options.tokens), generate(name, options.prompt, 1), options.prompt)
        print(f'{storage} round {round_number + 1}', file=sys.stderr)

    def ratio(left: str, right: str, kind: str, which: str) -> float:
        return round(summaries[left][kind][which] / summaries[right][kind][which], 3)

    summaries = {name: one.summary() for name, one in series.items()}
    pairs = {
        'whole-1 / llama.cpp-1': ('whole-1', 'llama.cpp-1'),
        'whole-2 / llama.cpp-2': ('whole-2', 'llama.cpp-2'),
        'pipeline-2 / whole-1': ('pipeline-2', 'whole-1'),
        'tensor-2 / whole-1': ('tensor-2', 'whole-1'),
        'tensor-2 / llama.cpp-1': ('tensor-2', 'llama.cpp-1'),
        'tensor-2 / llama.cpp-2': ('tensor-2', 'llama.cpp-2'),
    }
    pairs = {name: pair for name, pair in pairs.items() if set(pair) <= set(names)}
    ratios = {
        name: {f'{kind}-{which}': ratio(*pair, kind, which) for kind in ('decode', 'prefill') for which in ('best', 'median')}
        for name, pair in pairs.items()
    }
    bandwidth_ratio = max(bandwidth[2]) / max(bandwidth[1])
    targets = {
        'whole-1 / llama.cpp-1': 0.97,
        'pipeline-2 / whole-1': 0.97,
        'tensor-2 / whole-1': round(0.90 * min(2, bandwidth_ratio), 3),
    }
    return {
        'storage': storage,
        'tokensPerSecond': summaries,
        'ratios': ratios,
        'targets': {
            name: {'wanted': wanted, 'found': ratios[name]['decode-best'], 'met': ratios[name]['decode-best'] >= wanted}
            for name, wanted in targets.items()
            if name in ratios
        },
        'readGigabytesPerSecond': {f'{threads} threads': [round(one, 1) for one in values] for threads, values in bandwidth.items()},
        'firstTokensAsLlamaCpp': {
            name: agreeing_tokens(series[name].tokens, series['llama.cpp-1'].tokens) for name in options.scenarios
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--engine', required=True, help='the engine-bench binary')
    parser.add_argument('--checkpoint', type=pathlib.Path, help='a folder written by engine-bench --write-checkpoint')
    parser.add_argument('--storage', default='q4_0', help='tensor types, separated by commas')
    parser.add_argument('--scenarios', default=','.join(SCENARIOS), help='all are in memory at once')
    parser.add_argument('--rounds', type=int, default=6)
    parser.add_argument('--tokens', type=int, default=48)
    parser.add_argument('--prompt', type=int, default=128)
    options = parser.parse_args()
    options.scenarios = options.scenarios.split(',')
    with tempfile.TemporaryDirectory() as directory:
        checkpoint = options.checkpoint or pathlib.Path(directory)
        if options.checkpoint is None:
            subprocess.run([options.engine, '--write-checkpoint', str(checkpoint)], check=True)
        for storage in options.storage.split(','):
            path = pathlib.Path(directory) / f'{storage}.gguf'
            write(checkpoint, storage, path)
            peer = LlamaCpp(str(path))
            engine = Engine(options.engine, checkpoint, storage, options.scenarios)
            result = compare(storage, engine, peer, options)
            print(json.dumps({'prompt': options.prompt, 'tokens': options.tokens, **result}, indent=2), flush=True)
            engine.close()
            peer.close()
            path.unlink()


if __name__ == '__main__':
    main()
