import { type Announcement, type Discovery, type Loss, type Sighting, SightingHub } from '@shoal/core';

/**
 * The rooms of this process, by name. Kept where every copy of this package finds them: the node and a program may have
 * one each.
 */
const key = Symbol.for('shoal.discovery-memory.rooms');
const shared = globalThis as { [key]?: Map<string, SightingHub> };
shared[key] ??= new Map();
const rooms: Map<string, SightingHub> = shared[key];

function roomOf(name: string): SightingHub {
  const room = rooms.get(name) ?? new SightingHub({ seenBy: 'memory' });
  rooms.set(name, room);
  return room;
}

/** Nodes of one process in a room of one name see each other. */
export class MemoryDiscovery implements Discovery {
  readonly #room: SightingHub;

  constructor(roomName: string) {
    this.#room = roomOf(roomName);
  }

  watch(signal: AbortSignal): AsyncIterable<Sighting | Loss> {
    return this.#room.watch(signal);
  }

  async announce(announcement: Announcement, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#room.see(announcement);
    signal.addEventListener('abort', () => this.#room.lose(announcement.peerId), { once: true });
  }
}
