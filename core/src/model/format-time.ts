const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const digits = (value: number, count = 2) => String(value).padStart(count, '0');

const directives: Readonly<Record<string, (time: Date) => string>> = {
  Y: (time) => digits(time.getFullYear(), 4),
  y: (time) => digits(time.getFullYear() % 100),
  m: (time) => digits(time.getMonth() + 1),
  d: (time) => digits(time.getDate()),
  H: (time) => digits(time.getHours()),
  I: (time) => digits(time.getHours() % 12 || 12),
  M: (time) => digits(time.getMinutes()),
  S: (time) => digits(time.getSeconds()),
  p: (time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  B: (time) => months[time.getMonth()] as string,
  b: (time) => (months[time.getMonth()] as string).slice(0, 3),
  A: (time) => days[time.getDay()] as string,
  a: (time) => (days[time.getDay()] as string).slice(0, 3),
  '%': () => '%',
};

/** Python's `strftime` in the C locale: templates were written for it, whatever language the machine speaks. */
export function formatTime(time: Date, format: string): string {
  return format.replace(/%-?(.)/gsu, (directive, name: string) => {
    const write = Object.hasOwn(directives, name) ? directives[name] : undefined;
    if (!write) return directive;
    const text = write(time);
    return directive.startsWith('%-') ? text.replace(/^0+(?=\d)/, '') : text;
  });
}
