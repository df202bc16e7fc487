/** What every API of a node keeps: it answers, lets go, refuses whom it should, and ends. */
import assert from 'node:assert/strict';
import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:net';
import type { NodeService } from '../node/service.js';
import type { Api, ApiSettings, RunningApi } from '../spec/api.js';
import { ShoalError } from '../spec/errors.js';
import { ConformanceService, fail, modelName, tokenAndWait } from './api-service.js';
import type { ConformanceCase } from './case.js';
import { inTime } from './in-time.js';

/** A question as the suite's client asks it. */
export interface ApiQuestion {
  /** One of those that the API said it is reached at. */
  readonly address: string;
  readonly model: string;
  /** What a user says. */
  readonly text: string;
  /** To be brought along; none where it is absent. */
  readonly key?: string;
  /** Ends the question: the client goes away. */
  readonly signal: AbortSignal;
}

export interface ApiUnderTest {
  /** An API with options by which it serves wherever the suite tells it to; each call gives another one. */
  readonly open: () => Api<NodeService> | Promise<Api<NodeService>>;
  /** A client: resolves with the text of the answer, rejects with what the API says is wrong. */
  readonly ask: (question: ApiQuestion) => Promise<string>;
  /** How long anything may take; default 20 s. */
  readonly deadlineMilliseconds?: number;
}

const defaultDeadlineMilliseconds = 20_000;
const asksAtOnce = 16;
const givenKey = 'a-key-of-the-suite';
const clusterKey = 'ab'.repeat(32);

/** The suite of an `api` plugin. */
export function apiConformance(under: ApiUnderTest): ConformanceCase[] {
  const one = (name: string, run: (bench: Bench) => Promise<void>): ConformanceCase => ({
    name,
    run: async () => {
      const bench = new Bench(under);
      try {
        await run(bench);
      } finally {
        await bench.close();
      }
    },
  });
  return [
    one('answers a question with what the model says, and says where', async (bench) => {
      const { addresses } = await bench.start();
      assert.ok(addresses.length > 0, 'it says where it is reached');
      for (const address of addresses) assert.equal(await bench.ask(address, 'a b c'), 'a b c');
      assert.equal(bench.service.received.length, addresses.length, 'each question is one request');
    }),
    one('keeps questions at once apart', async (bench) => {
      const { addresses } = await bench.start();
      const texts = Array.from({ length: asksAtOnce }, (_, index) => `question ${index} of many`);
      const answers = await Promise.all(texts.map((text) => bench.ask(addresses[0], text)));
      assert.deepEqual(answers, texts);
    }),
    one('says that a model is not there', async (bench) => {
      const { addresses } = await bench.start();
      await assert.rejects(bench.ask(addresses[0], 'a', { model: 'nobody' }), 'a model that nobody serves');
      assert.equal(bench.service.received.length, 0, 'nothing was asked of another one');
      assert.equal(await bench.ask(addresses[0], 'a'), 'a', 'it goes on');
    }),
    one('passes on what went wrong, and goes on', async (bench) => {
      const { addresses } = await bench.start();
      await assert.rejects(bench.ask(addresses[0], `${fail} a b`), 'a model that fails');
      assert.equal(await bench.ask(addresses[0], 'a b'), 'a b');
    }),
    one('cancels the request of a client that goes away', async (bench) => {
      const { addresses } = await bench.start();
      const leaving = new AbortController();
      const left = bench.ask(addresses[0], `${tokenAndWait} a`, { signal: leaving.signal });
      left.catch(() => undefined);
      await bench.until(({ question }) => question.startsWith(tokenAndWait));
      leaving.abort();
      await assert.rejects(left, 'the client has left');
      await bench.until(({ ended }) => ended === 'cancelled');
      assert.equal(await bench.ask(addresses[0], 'a'), 'a', 'it goes on');
    }),
    one('asks for a key where one was set, and takes the cluster’s, too', async (bench) => {
      const { addresses } = await bench.start({ keys: [givenKey] });
      await assert.rejects(bench.ask(addresses[0], 'a'), 'no key');
      await assert.rejects(bench.ask(addresses[0], 'a', { key: `${givenKey}r` }), 'a wrong key');
      assert.equal(bench.service.received.length, 0, 'nothing reached the node');
      for (const key of [givenKey, clusterKey]) assert.equal(await bench.ask(addresses[0], 'a', { key }), 'a');
    }),
    one('asks for a key beyond this machine, whether one was set or not', async (bench) => {
      const { addresses } = await bench.start({ listen: '0.0.0.0' });
      const address = addresses[0]?.replace('0.0.0.0', '127.0.0.1');
      await assert.rejects(bench.ask(address, 'a'), 'no key');
      assert.equal(await bench.ask(address, 'a', { key: clusterKey }), 'a');
    }),
    one('says so when its port is taken', async (bench) => {
      const other = createServer();
      const port = await new Promise<number>((resolve) => {
        other.listen(0, '127.0.0.1', () => {
          const place = other.address();
          resolve(typeof place === 'object' && place !== null ? place.port : 0);
        });
      });
      try {
        await assert.rejects(bench.start({ port }), (thrown: unknown) => {
          assert.ok(ShoalError.is(thrown), 'the error is coded');
          assert.equal(thrown.code, 'API_ADDRESS_IN_USE');
          return true;
        });
      } finally {
        other.close();
      }
    }),
    one('serves beside another one', async (bench) => {
      const [first, second] = [await bench.start(), await bench.start()];
      assert.notEqual(first.addresses[0], second.addresses[0]);
      assert.equal(await bench.ask(first.addresses[0], 'a'), 'a');
      assert.equal(await bench.ask(second.addresses[0], 'b'), 'b');
    }),
    one('ends when it is closed, with what runs, and only once', async (bench) => {
      const api = await bench.start();
      const { addresses } = api;
      assert.equal(await bench.ask(addresses[0], 'a'), 'a');
      const running = bench.ask(addresses[0], `${tokenAndWait} a`);
      running.catch(() => undefined);
      await bench.until(({ question }) => question.startsWith(tokenAndWait));
      await bench.inTime(Promise.all([api.close(), api.close()]), 'closing');
      await assert.rejects(running, 'what ran was cut');
      await bench.until(({ question, ended }) => question.startsWith(tokenAndWait) && ended === 'cancelled');
      await assert.rejects(bench.ask(addresses[0], 'a'), 'nobody is there any more');
      await api.close();
    }),
    one('ends when the node does', async (bench) => {
      const ending = new AbortController();
      const api = await bench.start({}, ending.signal);
      const { addresses } = api;
      assert.equal(await bench.ask(addresses[0], 'a'), 'a');
      ending.abort();
      await bench.inTime(api.close(), 'closing after the end of the node');
      await assert.rejects(bench.ask(addresses[0], 'a'), 'nobody is there any more');
    }),
  ];
}

/** A node and the APIs that serve it, for one case. */
class Bench {
  readonly service = new ConformanceService();
  private readonly running: RunningApi[] = [];
  private readonly deadlineMilliseconds: number;

  constructor(private readonly under: ApiUnderTest) {
    this.deadlineMilliseconds = under.deadlineMilliseconds ?? defaultDeadlineMilliseconds;
  }

  async start(settings: ApiSettings = {}, signal = new AbortController().signal): Promise<RunningApi> {
    const api = await this.under.open();
    const context = {
      service: this.service,
      nodeName: 'conformance',
      softwareVersion: '0.0.0',
      settings: { port: 0, ...settings },
      isClusterKey: (text: string) => {
        const [given, own] = [Buffer.from(text), Buffer.from(clusterKey)];
        return given.length === own.length && timingSafeEqual(given, own);
      },
    };
    const started = await this.inTime(api.start(context, signal), 'the start');
    this.running.push(started);
    return started;
  }

  /** A question that ends in any case. */
  ask(address: string | undefined, text: string, more: Partial<ApiQuestion> = {}): Promise<string> {
    assert.ok(address !== undefined, 'it says where it is reached');
    const deadline = AbortSignal.timeout(this.deadlineMilliseconds);
    const signal = more.signal ? AbortSignal.any([more.signal, deadline]) : deadline;
    return this.inTime(this.under.ask({ address, model: modelName, text, ...more, signal }), `an answer to "${text}"`);
  }

  async until(condition: Parameters<ConformanceService['until']>[0]): Promise<void> {
    await this.service.until(condition, AbortSignal.timeout(this.deadlineMilliseconds));
  }

  inTime<Result>(work: Promise<Result>, what: string): Promise<Result> {
    return inTime(work, what, this.deadlineMilliseconds);
  }

  async close(): Promise<void> {
    await this.inTime(Promise.all(this.running.map((one) => one.close())), 'closing');
  }
}
