// Turns a `ScriptDevice` (core/src/spec/backend.ts) into the dispatcher that the native shim calls. The shim's calls
// never overlap, so nothing here is locked.

const codePattern = /^[A-Z][A-Z0-9_]{0,63}$/;

/** `CODE: message`, the form in which errors cross to the native side. */
function errorText(thrown) {
  const code = codePattern.test(thrown?.code) ? thrown.code : 'BACKEND_FAILED';
  return `${code}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
}

/** One executable with the boundary memory that it shares with the native side. */
class SharedExecutable {
  #executable;
  #job;
  #names;
  #values;
  #buffers = [];
  #boundary = new Map();

  constructor(executable, job, program) {
    this.#executable = executable;
    this.#job = job;
    this.#names = program.boundaryValues;
    this.#values = program.values;
  }

  slotOperation(operation) {
    this.#executable.slotOperation(operation);
  }

  beginStep({ sequences: numbers, tokens, outputRows, memory }) {
    for (const { value, buffer } of memory) this.#buffers[value] = buffer;
    this.#boundary = new Map();
    for (const [index, name] of this.#names.entries()) {
      const value = this.#values[name];
      if (!value) continue;
      const rows = value.rows === 'tokens' ? tokens.length : outputRows;
      this.#boundary.set(name, new Float32Array(this.#buffers[index], 0, rows * value.width));
    }
    const sequences = [];
    for (let at = 0; at < numbers.length; at += 4) {
      const [slot, startPosition, tokenCount, outputRowCount] = numbers.subarray(at, at + 4);
      sequences.push({ slot, startPosition, tokenCount, outputRows: outputRowCount });
    }
    this.#executable.beginStep({ sequences, tokens });
  }

  execute(segment) {
    this.#executable.execute(segment, this.#boundary);
  }

  endStep() {
    this.#executable.endStep();
  }

  release() {
    this.#job.release();
    this.#executable.release();
  }
}

/** Rows of weights, read from the native side when a backend asks for them. */
function weightSource(job) {
  return {
    read: (name, [first, end], into) => job.readWeight(name, first, end - first, into),
  };
}

/** The function that the native shim calls: `(call, executable's number, argument) → error text or undefined`. */
export function createDispatcher(device) {
  const executables = new Map();
  /** Numbers of running compiles; false once the native side has given one up. */
  const compiling = new Map();

  async function compile(number, job) {
    compiling.set(number, true);
    try {
      const program = JSON.parse(job.program);
      const executable = await device.compile(program, weightSource(job), JSON.parse(job.options));
      const shared = new SharedExecutable(executable, job, program);
      if (!compiling.get(number)) return shared.release();
      executables.set(number, shared);
      job.resolve();
    } catch (thrown) {
      job.reject(errorText(thrown));
    } finally {
      compiling.delete(number);
    }
  }

  function release(number) {
    if (compiling.has(number)) compiling.set(number, false);
    const executable = executables.get(number);
    executables.delete(number);
    executable?.release();
  }

  function dispatch(call, number, argument) {
    // What the native side could not turn into an argument.
    if (argument instanceof Error) throw argument;
    if (call === 'compile') return void compile(number, argument);
    if (call === 'release') return release(number);
    return executables.get(number)[call](argument);
  }

  return (call, number, argument) => {
    try {
      dispatch(call, number, argument);
    } catch (thrown) {
      return errorText(thrown);
    }
  };
}
