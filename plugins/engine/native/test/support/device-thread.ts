// A worker thread that lends a device in JavaScript to another thread, by the address of its table.
import { parentPort } from 'node:worker_threads';
import { createScriptDevice } from '@shoal/engine-node';
import { countingDevice } from './counting-device.js';

// Reachable for as long as the thread lives: the table belongs to the handle.
const handle = createScriptDevice(countingDevice());
parentPort?.on('message', () => handle.close());
parentPort?.postMessage(handle.table);
