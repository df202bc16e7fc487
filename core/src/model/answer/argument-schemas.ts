/** What JSON schemas say of the arguments of a function, for formats that do not write them as one JSON object. */

export type Schema = Readonly<Record<string, unknown>>;

/** Types of JSON, of which a value has one. An integer is a number, too. */
export type ValueKind = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'object' | 'array';

/** What of an object's schema arguments by name keep, or what says nothing about them. */
const keptKeywords = new Set(
  'type properties required additionalProperties description title $defs definitions $schema $id $comment default examples strict x-guidance'.split(
    ' ',
  ),
);

/** Whether a schema says nothing of all arguments together but which there are. */
export function isByName(parameters: Schema): boolean {
  return Object.keys(parameters).every((keyword) => keptKeywords.has(keyword));
}

/** Schemas of the arguments by their names, and which have to be there. */
export function argumentsByName(parameters: Schema): {
  readonly properties: readonly (readonly [name: string, schema: Schema])[];
  readonly required: ReadonlySet<unknown>;
} {
  const listed = Object.entries(isObject(parameters.properties) ? parameters.properties : {});
  const properties = listed.map(([name, schema]) => [name, isObject(schema) ? schema : {}] as const);
  return {
    properties,
    required: new Set(Array.isArray(parameters.required) ? (parameters.required as unknown[]) : []),
  };
}

/** The few values that a schema lists; undefined where it lists none, or some that are not simple. */
export function choicesOf(schema: Schema): readonly unknown[] | undefined {
  const { type, enum: values } = schema;
  const choices = 'const' in schema ? [schema.const] : values;
  if (!Array.isArray(choices) || !choices.every((one) => typeof one !== 'object' || one === null)) return undefined;
  const fitting = choices.filter((one: unknown) => typeof type !== 'string' || fits(one, type));
  return fitting.length > 0 ? fitting : undefined;
}

/** Schemas of which a value has to fit one; undefined where there is only the schema itself. */
export function alternativesOf(schema: Schema): readonly Schema[] | undefined {
  const { type, anyOf, oneOf } = schema;
  if (Array.isArray(type)) return type.map((one: unknown) => ({ ...schema, type: one }));
  const unions = [anyOf, oneOf].filter((one) => Array.isArray(one));
  return unions.length === 1 && type === undefined ? (unions[0] as unknown[]).filter(isObject) : undefined;
}

/** The schema that a reference within the document leads to. */
export function resolved(schema: Schema, root: Schema): Schema {
  let found = schema;
  // A circle leads nowhere.
  for (let steps = 0; steps < 16 && typeof found.$ref === 'string' && found.$ref.startsWith('#'); steps += 1) {
    const path = found.$ref.slice(1).split('/').slice(1);
    let place: unknown = root;
    for (const part of path) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      place = isObject(place) && Object.hasOwn(place, name) ? place[name] : undefined;
    }
    if (!isObject(place)) return {};
    const { $ref: _ref, ...more } = found;
    found = { ...place, ...more };
  }
  return found;
}

/** Definitions that parts of a schema may refer to. */
export function definitionsOf({ $defs, definitions }: Schema): Schema {
  return { ...($defs === undefined ? {} : { $defs }), ...(definitions === undefined ? {} : { definitions }) };
}

/** What a value may be; undefined: anything. */
export function kindsOf(schema: Schema, root: Schema, depth = 0): ReadonlySet<ValueKind> | undefined {
  const own = resolved(schema, root);
  if (depth > 8) return undefined;
  const choices = choicesOf(own);
  if (choices) return new Set(choices.map(kindOf));
  const several = alternativesOf(own);
  if (!several) return typeof own.type === 'string' ? new Set([own.type as ValueKind]) : undefined;
  const kinds = several.map((one) => kindsOf(one, root, depth + 1));
  return kinds.some((one) => one === undefined) ? undefined : new Set(kinds.flatMap((one) => [...(one ?? [])]));
}

export function kindOf(value: unknown): ValueKind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'object' ? 'object' : typeof value === 'boolean' ? 'boolean' : 'string';
}

function fits(value: unknown, type: string): boolean {
  const kind = kindOf(value);
  return kind === type || (kind === 'integer' && type === 'number');
}

export function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
