/** What holds for every state and every view model, whatever came in. */

/** Where something that must not be is found; empty: all is well. */
export function problemsOf(value: unknown, path = ''): readonly string[] {
  if (value === null || typeof value === 'boolean') return [];
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path} is ${value}`];
  if (typeof value === 'string') return textProblems(value, path);
  if (Array.isArray(value)) return value.flatMap((one, index) => problemsOf(one, `${path}[${index}]`));
  if (typeof value !== 'object') return [`${path} is of type ${typeof value}`];
  return Object.entries(value).flatMap(([name, one]) => [
    ...fractionProblems(name, one, path),
    ...problemsOf(one, `${path}.${name}`),
  ]);
}

const longest = 1_000_100;
/** Text of a conversation keeps its line breaks; nothing else does. */
const mayBreak = /^\.(chat\.)?messages\[\d+\]\.(text|reasoning)$/;

function textProblems(text: string, path: string): readonly string[] {
  const controls = mayBreak.test(path)
    ? /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u
    : /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
  const found = controls.test(text) ? [`${path} has control characters: ${JSON.stringify(text.slice(0, 80))}`] : [];
  return [
    ...found,
    ...(/\p{Cs}/u.test(text) ? [`${path} has half a character`] : []),
    ...(text.length > longest ? [`${path} has ${text.length} characters`] : []),
  ];
}

function fractionProblems(name: string, value: unknown, path: string): readonly string[] {
  const isFraction = name === 'fraction' || name === 'x' || name === 'y';
  const isWithin = value === null || (typeof value === 'number' && value >= 0 && value <= 1.000001);
  return isFraction && !isWithin ? [`${path}.${name} is ${String(value)}`] : [];
}
