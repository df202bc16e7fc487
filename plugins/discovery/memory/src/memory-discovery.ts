import { type Announcement, AsyncQueue, type Discovery, type Loss, type Sighting } from '@shoal/core';

type Watcher = (event: Sighting | Loss) => void;

/** Who is here: announcements, and those who want to hear of them. */
interface Room {
  readonly present: Set<Announcement>;
  readonly watchers: Set<Watcher>;
}

/**
 * The rooms of this process, by name. Kept where every copy of this package finds them: the node and a program may have
 * one each.
 */
const key = Symbol.for('shoal.discovery-memory.rooms');
const shared = globalThis as { [key]?: Map<string, Room> };
shared[key] ??= new Map();
const rooms: Map<string, Room> = shared[key];

function roomOf(name: string): Room {
  const room = rooms.get(name) ?? { present: new Set(), watchers: new Set() };
  rooms.set(name, room);
  return room;
}

/** Nodes of one process in a room of one name see each other. */
export class MemoryDiscovery implements Discovery {
  readonly #room: Room;

  constructor(roomName: string) {
    this.#room = roomOf(roomName);
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Sighting | Loss> {
    if (signal.aborted) return;
    const events = new AsyncQueue<Sighting | Loss>();
    const watcher: Watcher = (event) => events.push(event);
    const stop = () => events.complete();
    this.#room.watchers.add(watcher);
    signal.addEventListener('abort', stop, { once: true });
    try {
      for (const announcement of this.#room.present) events.push(sightingOf(announcement));
      yield* events;
    } finally {
      this.#room.watchers.delete(watcher);
      signal.removeEventListener('abort', stop);
    }
  }

  async announce(announcement: Announcement, signal: AbortSignal): Promise<void> {
    // A node without an address can be seen but not reached.
    if (signal.aborted || announcement.addresses.length === 0) return;
    const { present, watchers } = this.#room;
    present.add(announcement);
    for (const watcher of watchers) watcher(sightingOf(announcement));
    const leave = () => {
      present.delete(announcement);
      const { peerId, addresses } = announcement;
      for (const watcher of watchers) watcher({ kind: 'lost', peerId, addresses, seenBy: 'memory' });
    };
    signal.addEventListener('abort', leave, { once: true });
  }
}

function sightingOf({ peerId, addresses, clusterTag }: Announcement): Sighting {
  return { kind: 'seen', peerId, addresses, clusterTag, seenBy: 'memory' };
}
