// Writes what commands print with --json into docs/command.md, from sdk/command-output.schema.json. With --check it only
// says whether the page is current.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const page = fileURLToPath(new URL('../docs/command.md', import.meta.url));
const schema = fileURLToPath(new URL('../sdk/command-output.schema.json', import.meta.url));
const { definitions } = JSON.parse(readFileSync(schema, 'utf8'));

const isCommand = (name) => /^[a-z]/.test(name);
const nameOf = ({ $ref }) => $ref.slice('#/definitions/'.length);

/** The type of a value, in a word or two. */
function typeOf(value) {
  if (value.$ref !== undefined) return `[${nameOf(value)}](#${nameOf(value).toLowerCase()})`;
  if (value.const !== undefined) return `\`${value.const}\``;
  if (value.enum !== undefined) return value.enum.map((one) => `\`${one}\``).join(', ');
  if (Array.isArray(value.items)) return `[${value.items.map(typeOf).join(', ')}]`;
  if (value.items !== undefined) return `list of ${typeOf(value.items)}`;
  if (typeof value.additionalProperties === 'object') return `object of ${typeOf(value.additionalProperties)}`;
  return [value.type].flat().join(' or ');
}

const meaningOf = (value) => value.description ?? (value.$ref && definitions[nameOf(value)].description) ?? '';

/** A row for each field; those of an object within follow it, as `outer.inner`. */
function rows({ properties, required }, prefix = '') {
  return Object.entries(properties).flatMap(([name, value]) => {
    const optional = required.includes(name) ? '' : ', optional';
    const inner = value.properties ? value : value.items?.properties ? value.items : undefined;
    const path = `${prefix}${name}`;
    const row = `| \`${path}\` | ${typeOf(value)}${optional} | ${meaningOf(value)} |`;
    return [row, ...(inner ? rows(inner, `${path}.`) : [])];
  });
}

function fields(definition) {
  if (definition.anyOf) {
    return definition.anyOf
      .map((one) => (one.properties ? `${one.description}\n\n${fields(one)}` : `Or ${typeOf(one)}.\n`))
      .join('\n');
  }
  if (!definition.properties) return `Type: ${typeOf(definition)}.\n`;
  return `| field | type | meaning |\n|---|---|---|\n${rows(definition).join('\n')}\n`;
}

const section = (level, name) => `${level} ${name}\n\n${definitions[name].description}\n\n${fields(definitions[name])}`;
const names = Object.keys(definitions);

const begin =
  '<!-- Generated from sdk/command-output.schema.json by `npm run generate:command-output`: do not edit. -->';
const text = `${begin}

${names
  .filter(isCommand)
  .map((name) => section('###', name))
  .join('\n')}
### Parts

${names
  .filter((name) => !isCommand(name))
  .map((name) => section('####', name))
  .join('\n')}`;

const current = readFileSync(page, 'utf8');
const [before] = current.split(begin);
const wanted = before + text;
if (process.argv.includes('--check')) {
  if (current !== wanted) {
    console.error('docs/command.md is not current: run `npm run generate:command-output`');
    process.exit(1);
  }
} else {
  writeFileSync(page, wanted);
}
