/** Asks and answers on every network there is; networks come and go. */
import { isOnNetwork, type MulticastInterface } from './interfaces.js';
import { decodePacket, encodeAnswer, encodeQuestion, isQuestion, type PeerAnswer, readAnswer } from './messages.js';
import { type MulticastSocket, openMulticastSocket } from './multicast-socket.js';

export interface ResponderOptions {
  /** Name asked for. */
  readonly service: string;
  readonly port: number;
  readonly own: PeerAnswer;
  /** The networks of this moment. */
  readonly networks: () => readonly MulticastInterface[];
  readonly heard: (peer: PeerAnswer) => void;
}

/** A datagram may get lost, and who starts at the same time may not listen yet. */
const repeatAfterMilliseconds = [250, 1000];
/** Who asks twice in so short a time has heard the first answer, or asks a third time. */
const leastBetweenAnswersMilliseconds = 200;

export class Responder {
  private readonly sockets = new Map<string, MulticastSocket>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private isClosed = false;
  /** When somebody asked last, and when this node answered last, by network. */
  private readonly askedAt = new Map<MulticastSocket, number>();
  private readonly answeredAt = new Map<MulticastSocket, number>();

  constructor(private readonly options: ResponderOptions) {}

  /** Says that the node is there, and asks who else is, a few times. */
  async open(): Promise<void> {
    await this.ask();
    await this.say(this.options.own);
    for (const milliseconds of repeatAfterMilliseconds) {
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        void this.ask();
        void this.say(this.options.own);
      }, milliseconds);
      timer.unref();
      this.timers.add(timer);
    }
  }

  async ask(): Promise<void> {
    await this.follow();
    await this.send(encodeQuestion(this.options.service));
  }

  /** Asks where nobody else has asked lately: everybody hears every answer, so that one question is enough for all. */
  async askWhereSilent(silentMilliseconds: number): Promise<void> {
    await this.follow();
    const since = performance.now() - silentMilliseconds;
    const question = encodeQuestion(this.options.service);
    const silent = [...this.sockets.values()].filter((socket) => (this.askedAt.get(socket) ?? 0) < since);
    await Promise.all(silent.map((socket) => socket.send(question)));
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const timer of this.timers) clearTimeout(timer);
    await this.say({ ...this.options.own, leaving: true });
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
  }

  private async say(peer: PeerAnswer): Promise<void> {
    await this.send(encodeAnswer(this.options.service, peer));
  }

  /** Where nothing can be sent, `availability` says so. */
  private async send(bytes: Uint8Array): Promise<void> {
    await Promise.all([...this.sockets.values()].map((socket) => socket.send(bytes)));
  }

  /** A socket for every network that has none, none for those that are gone. */
  private async follow(): Promise<void> {
    if (this.isClosed) return;
    const networks = new Map(this.options.networks().map((network) => [`${network.name} ${network.address}`, network]));
    for (const [key, socket] of this.sockets) {
      if (networks.has(key)) continue;
      socket.close();
      this.sockets.delete(key);
    }
    const missing = [...networks].filter(([key]) => !this.sockets.has(key));
    await Promise.all(missing.map(([key, network]) => this.join(key, network)));
  }

  private async join(key: string, network: MulticastInterface): Promise<void> {
    try {
      const socket: MulticastSocket = await openMulticastSocket({
        network,
        port: this.options.port,
        onMessage: (bytes, { address }) => this.receive(bytes, address, socket),
        onError: () => {
          socket.close();
          this.sockets.delete(key);
        },
      });
      if (this.isClosed || this.sockets.has(key)) socket.close();
      else this.sockets.set(key, socket);
    } catch {
      // Tried again with the next question; `availability` finds out why.
    }
  }

  private receive(bytes: Uint8Array, from: string, socket: MulticastSocket): void {
    if (this.isClosed) return;
    const packet = decodePacket(bytes);
    if (!packet) return;
    const { service, own, heard } = this.options;
    // Sockets of one port may all hear what arrives on any network: the one whose network it is answers.
    if (isQuestion(packet, service) && this.isAnsweredBy(socket, from)) {
      const now = performance.now();
      this.askedAt.set(socket, now);
      if (now - (this.answeredAt.get(socket) ?? Number.NEGATIVE_INFINITY) >= leastBetweenAnswersMilliseconds) {
        this.answeredAt.set(socket, now);
        void socket.send(encodeAnswer(service, own));
      }
    }
    const peer = readAnswer(packet, service);
    // Several nodes of one machine hear one another, and each itself.
    if (peer && peer.peerId !== own.peerId) heard(peer);
  }

  private isAnsweredBy(socket: MulticastSocket, from: string): boolean {
    const of = [...this.sockets.values()].find(({ network }) => isOnNetwork(from, network));
    return of === undefined || of === socket;
  }
}
