/** A client of the API: one question, one answer. */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

export interface Question {
  /** As the API says it: `tcp://127.0.0.1:7333`. */
  readonly address: string;
  readonly model: string;
  readonly text: string;
  readonly key?: string;
  /** Goes away when it aborts. */
  readonly signal: AbortSignal;
}

/** Resolves with the answer; rejects with what is wrong, or when the connection ends before the answer does. */
export async function ask({ address, model, text, key, signal }: Question): Promise<string> {
  const { hostname, port } = new URL(address);
  const socket = connect({ host: hostname, port: Number(port), signal });
  const failed = new Promise<never>((_resolve, reject) => {
    socket.once('error', reject);
  });
  failed.catch(() => undefined);
  try {
    socket.write(`${JSON.stringify({ model, text, key })}\n`);
    return await Promise.race([answerOf(socket), failed]);
  } finally {
    socket.destroy();
  }
}

async function answerOf(socket: NodeJS.ReadableStream): Promise<string> {
  let answer = '';
  for await (const line of createInterface({ input: socket })) {
    const said = JSON.parse(line) as { text?: string; done?: boolean; error?: { code: string; message: string } };
    if (said.error) throw new Error(`${said.error.code}: ${said.error.message}`);
    if (said.done) return answer;
    answer += said.text ?? '';
  }
  throw new Error('the connection ended before the answer did');
}
