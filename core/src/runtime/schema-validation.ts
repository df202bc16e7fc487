import { createRequire } from 'node:module';
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { pointerStep } from './json-source.js';

/** One thing that is wrong with a value, with where. */
export interface SchemaProblem {
  /** JSON pointer into the validated value; the offending key itself for one that is unknown. */
  readonly pointer: string;
  readonly message: string;
}

export interface Validator {
  /** Fills defaults into `value` in place; an empty list means that it is valid. */
  validate(value: unknown): readonly SchemaProblem[];
}

let loaded: typeof Ajv | undefined;

/** Loaded when the first schema is compiled: most commands compile none. */
function validatorLibrary(): typeof Ajv {
  loaded ??= (createRequire(import.meta.url)('ajv') as { Ajv: typeof Ajv }).Ajv;
  return loaded;
}

/** Compiles a schema. Throws for a schema that is itself wrong (Ajv's strict mode, so that a typing error shows). */
export function compileSchema(schema: object): Validator {
  // A new instance each: schemas of different plugins may use the same $id.
  const ajv = new (validatorLibrary())({ allErrors: true, strict: true, useDefaults: true, allowUnionTypes: true });
  const validate: ValidateFunction = ajv.compile(schema);
  return {
    validate(value) {
      if (validate(value)) return [];
      return (validate.errors ?? []).map(describeProblem);
    },
  };
}

function describeProblem(error: ErrorObject): SchemaProblem {
  const { instancePath, params } = error;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty);
      return { pointer: `${instancePath}/${pointerStep(key)}`, message: `unknown key ${JSON.stringify(key)}` };
    }
    case 'required':
      return { pointer: instancePath, message: `the key ${JSON.stringify(params.missingProperty)} is missing` };
    case 'enum': {
      const allowed = (params.allowedValues as unknown[]).map((value) => JSON.stringify(value)).join(', ');
      return { pointer: instancePath, message: `must be one of ${allowed}` };
    }
    case 'const':
      return { pointer: instancePath, message: `must be ${JSON.stringify(params.allowedValue)}` };
    default:
      return { pointer: instancePath, message: error.message ?? `breaks the rule "${error.keyword}"` };
  }
}
