// Numbers for people. What is not known is said, and never 0.

const byteUnits = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(count) {
  let value = count;
  let unit = 0;
  for (; value >= 1000 && unit < byteUnits.length - 1; unit += 1) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${byteUnits[unit]}`;
}

export function milliseconds(value) {
  if (value >= 10_000) return `${(value / 1000).toFixed(0)} s`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return `${value >= 100 ? Math.round(value) : value.toFixed(value >= 10 ? 1 : 2)} ms`;
}

export function bandwidth(bytesPerSecond) {
  const bits = bytesPerSecond * 8;
  return bits >= 1e9 ? `${(bits / 1e9).toFixed(1)} Gbit/s` : `${Math.round(bits / 1e6)} Mbit/s`;
}

export const tokensPerSecond = (value) => `${value >= 100 ? Math.round(value) : value.toFixed(1)} tokens/s`;

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** `layers 3–5`, counted from one as people do. */
export function layerRange([first, end]) {
  return end - first === 1 ? `layer ${first + 1}` : `layers ${first + 1}–${end}`;
}

/** A value with its source, or why there is none. */
export const known = (measured) => measured?.value;
