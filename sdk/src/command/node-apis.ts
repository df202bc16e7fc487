/** What `shoal node` takes and says about the APIs of its node. */
import { type ApiSettings, type NodeApi, ShoalError } from '../index.js';
import type { OptionSpecification } from './command.js';
import type { ParsedOptions } from './options.js';
import type { Terminal } from './terminal.js';

const section = 'API';

export const apiOptions: readonly OptionSpecification[] = [
  {
    name: 'api-port',
    value: 'PORT',
    number: { minimum: 0, maximum: 65_535, integer: true },
    description: 'Port of the HTTP API; 0 takes any that is free.',
    default: '52415, or what plugins.json says',
    section,
  },
  {
    name: 'api-listen',
    value: 'ADDRESS',
    description: 'Address of this machine for the HTTP API; beyond loopback requests need a key.',
    default: '127.0.0.1',
    section,
  },
  {
    name: 'api-key',
    value: 'KEY',
    multiple: true,
    description: 'Answer only to who brings this key, or the key of the cluster; also SHOAL_API_KEY.',
    section,
  },
  {
    name: 'api-origin',
    value: 'ORIGIN',
    multiple: true,
    description: 'Web pages of this origin may ask, such as http://localhost:3000; * is all.',
    default: 'none but the own page',
    section,
  },
  { name: 'no-api', description: 'Serve no API.', section },
];

const shortestKey = 8;

/** Throws ARGUMENT_INVALID. */
export function parseApiOptions(options: ParsedOptions): ApiSettings | false {
  if (options.flag('no-api')) return false;
  const keys = [...options.list('api-key'), process.env.SHOAL_API_KEY ?? ''].filter((key) => key !== '');
  if (keys.some((key) => key.length < shortestKey)) {
    throw new ShoalError('ARGUMENT_INVALID', `an API key has at least ${shortestKey} characters`);
  }
  return {
    port: options.number('api-port'),
    listen: options.text('api-listen'),
    keys,
    origins: options.list('api-origin'),
  };
}

export function printApis(apis: readonly NodeApi[], terminal: Terminal): void {
  for (const { name, addresses, failure } of apis) {
    for (const address of addresses) terminal.line(`  ${address} (${name})`);
    if (failure) terminal.line(`! the API ${name} does not serve: ${failure.message} (${failure.code})`);
  }
}
