import { ShoalError } from '../spec/errors.js';

/** What the system says of a folder that a node cannot use as its home, as one of our errors. */
export function homeError(home: string, thrown: unknown): ShoalError {
  if (ShoalError.is(thrown)) return thrown;
  const { code, message, path } = thrown as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'its disk is full',
    EDQUOT: "its user's share of the disk is used up",
    EROFS: 'its file system is read-only',
    EACCES: 'this user may not write there',
    EPERM: 'this user may not write there',
    ENOTDIR: 'a file stands in its place',
    EEXIST: 'a file stands in its place',
  };
  const reason = reasons[code ?? ''] ?? message;
  return new ShoalError('NODE_HOME_UNUSABLE', `SHOAL_HOME ${home} cannot be used: ${reason}`, {
    cause: thrown,
    details: { home, reason: code, ...(path === undefined ? {} : { path }) },
  });
}
