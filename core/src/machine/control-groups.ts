/** Control groups of Linux (versions 1 and 2): which of their folders hold limits of this process. */
import { posix } from 'node:path';
import type { MachineSource } from './source.js';

export interface ControlGroups {
  readonly version: 1 | 2;
  /** Folders of this process's group and of all groups around it, the innermost first, with their names for people. */
  readonly groups: readonly { readonly folder: string; readonly name: string }[];
}

interface Mount {
  readonly version: 1 | 2;
  /** The group that the mount shows at its top: in a container often not the outermost one. */
  readonly root: string;
  readonly folder: string;
  readonly controllers: readonly string[];
}

/** The groups that bound `controller` for this process; undefined where there are none. */
export async function controlGroups(
  source: MachineSource,
  controller: 'memory' | 'cpu',
): Promise<ControlGroups | undefined> {
  const membership = await source.text('proc/self/cgroup');
  if (membership === undefined) return undefined;
  const mounts = parseMounts(await source.text('proc/self/mountinfo'));
  const first = groupOf(membership, controller);
  const mount1 = mounts.find(({ version, controllers }) => version === 1 && controllers.includes(controller));
  if (first !== undefined && mount1 !== undefined) return { version: 1, groups: foldersOf(mount1, first) };
  const second = groupOf(membership, '');
  if (second === undefined) return undefined;
  const mount2 = mounts.find(({ version }) => version === 2) ?? {
    version: 2,
    root: '/',
    folder: '/sys/fs/cgroup',
    controllers: [],
  };
  return { version: 2, groups: foldersOf(mount2, second) };
}

/** The path in the line of a controller; version 2 has none. Paths may contain colons. */
function groupOf(membership: string, controller: string): string | undefined {
  for (const line of membership.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controller === '' ? controllers === '' : controllers.split(',').includes(controller)) return path;
  }
  return undefined;
}

/** Lines of proc_pid_mountinfo(5): `36 35 98:0 /root /mount/point options - type source super,options`. */
function parseMounts(text: string | undefined): Mount[] {
  const mounts: Mount[] = [];
  for (const line of (text ?? '').split('\n')) {
    const [before = '', after = ''] = line.split(' - ', 2);
    const [, , , root, folder] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (root === undefined || folder === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue;
    mounts.push({
      version: type === 'cgroup2' ? 2 : 1,
      root: unescapePath(root),
      folder: unescapePath(folder),
      controllers: options.split(','),
    });
  }
  return mounts;
}

/** Spaces and the like are written as octal numbers there. */
function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function foldersOf(mount: Mount, group: string): ControlGroups['groups'] {
  const normal = posix.normalize(group);
  const { root } = mount;
  const isBelow = root !== '/' && (normal === root || normal.startsWith(`${root}/`));
  const relative = isBelow ? normal.slice(root.length) : root === '/' ? normal : '/';
  const groups: { folder: string; name: string }[] = [];
  for (let path = posix.join('/', relative); ; path = posix.dirname(path)) {
    groups.push({
      folder: posix.join(mount.folder, path),
      name: isBelow && path === '/' ? root : posix.join(isBelow ? root : '/', path),
    });
    if (path === '/') return groups;
  }
}
