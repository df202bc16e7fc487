// A home on a disk that is full or cannot be written: the command says so under a code, and no half key is left.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { commandScript } from './support/repository.js';

/** Runs a shell script in which `$disk` is a disk of 64 KiB of its own, and `shoal_node` starts a node that ends at once. */
function onTinyDisk(folder: string, script: string) {
  const prelude = `
    set -u
    disk=$1 node=$2 command=$3
    mount -t tmpfs -o size=64k tmpfs "$disk" || exit 97
    fill() { head -c 1000000 /dev/zero > "$disk/filler" 2>/dev/null; }
    shoal_node() { "$node" "$command" node --json --exit-with-stdin --home "$disk/home" </dev/null 2>&1; echo "code $?"; }`;
  const { stdout } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', `${prelude}\n${script}`, 'sh', folder, process.execPath, commandScript],
    { encoding: 'utf8', timeout: 180_000 },
  );
  return stdout;
}

function unavailableReason(): string | false {
  if (process.platform !== 'linux') return 'mount namespaces exist on Linux only';
  const folder = mkdtempSync(join(tmpdir(), 'shoal-disk-'));
  const isPossible = onTinyDisk(folder, 'echo possible').includes('possible');
  rmSync(folder, { recursive: true, force: true });
  return isPossible ? false : 'mounting in a namespace of its own is not allowed here';
}

t.test('a home on a disk that cannot be written', { skip: unavailableReason() }, async (t) => {
  // Not a folder of the test's own: a socket's path must be short.
  const disk = mkdtempSync(join(tmpdir(), 'shoal-disk-'));
  t.teardown(() => rmSync(disk, { recursive: true, force: true }));

  await t.test('full before there is a key', async (t) => {
    const said = onTinyDisk(
      disk,
      'mkdir "$disk/home"; fill; shoal_node; echo "files: $(ls -A "$disk/home" | tr "\\n" " ")"; rm "$disk/filler"; shoal_node',
    );
    t.match(said, /NODE_HOME_UNUSABLE/);
    t.match(said, /its disk is full/);
    t.match(said, /code [^0]/);
    t.notMatch(said.match(/files: .*/)?.[0], /key/, 'no key was begun');
    t.match(said, /"nodeId":"[^"]+"[\s\S]*code 0\n$/, 'with room again the node starts');
  });

  await t.test('full with a key', async (t) => {
    const said = onTinyDisk(
      disk,
      'shoal_node; before=$(cat "$disk"/home/*.key); fill; shoal_node; test "$before" = "$(cat "$disk"/home/*.key)" && echo same',
    );
    const identities = [...said.matchAll(/"nodeId":"([^"]+)"/g)].map(([, id]) => id);
    t.equal(identities.length, 2, 'the node starts, as it has nothing to write');
    t.equal(identities[0], identities[1]);
    t.match(said, /same\n$/);
  });

  await t.test('read-only', async (t) => {
    const said = onTinyDisk(disk, 'mkdir "$disk/home"; mount -o remount,ro "$disk"; shoal_node');
    t.match(said, /NODE_HOME_UNUSABLE/);
    t.match(said, /its file system is read-only/);
    t.match(said, /code [^0]\d*\n$/);
  });
});
