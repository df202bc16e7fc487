/** One thing that was looked at. `remedy` says how to mend what is not `ok`. */
export interface Finding {
  readonly area:
    | 'runtime'
    | 'machine'
    | 'home'
    | 'node'
    | 'engine'
    | 'backend'
    | 'transport'
    | 'strategy'
    | 'discovery'
    | 'model'
    | 'cluster'
    | 'link';
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly message: string;
  readonly remedy?: string;
}

export const ok = (area: Finding['area'], name: string, message: string): Finding => ({
  area,
  name,
  status: 'ok',
  message,
});

export function warning(area: Finding['area'], name: string, message: string, remedy?: string): Finding {
  return { area, name, status: 'warning', message, ...(remedy === undefined ? {} : { remedy }) };
}

export function problem(area: Finding['area'], name: string, message: string, remedy?: string): Finding {
  return { area, name, status: 'problem', message, ...(remedy === undefined ? {} : { remedy }) };
}
