/** Times and lengths of time as people read them. All take the language, so that they follow a switch. */
const made = new Map<string, Intl.DateTimeFormat>();
function format(language: string, name: string, options: Intl.DateTimeFormatOptions) {
  const key = `${language} ${name}`;
  let found = made.get(key);
  if (!found) made.set(key, (found = new Intl.DateTimeFormat(language, options)));
  return found;
}

const DAY = 86_400_000;
export const startOfDay = (at: number) => new Date(at).setHours(0, 0, 0, 0);

export const hour = (language: string, at: string | number) =>
  format(language, 'hour', { hour: '2-digit', minute: '2-digit' }).format(new Date(at));

export const moment = (language: string, at: string | number) =>
  format(language, 'moment', { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(at));

/** Short form for a row: the hour today, else the day. */
export function rowTime(language: string, at: string, now: number): string {
  const then = Date.parse(at);
  if (startOfDay(then) === startOfDay(now)) return hour(language, at);
  if (now - then < 6 * DAY) return format(language, 'weekday', { weekday: 'short' }).format(then);
  return format(language, 'date', { day: 'numeric', month: 'short' }).format(then);
}

export function dayName(language: string, at: number, now: number): string {
  const days = Math.round((startOfDay(now) - startOfDay(at)) / DAY);
  if (days <= 1 && days >= 0) {
    const name = new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-days, 'day');
    return name.charAt(0).toUpperCase() + name.slice(1);
  }
  return format(language, 'day', { weekday: 'long', day: 'numeric', month: 'long' }).format(at);
}

/** `4 h 12 min`, `3 min`, `45 s`: how long something has lasted. */
export function lasted(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

export function ago(language: string, at: string, now: number): string {
  const seconds = Math.round((Date.parse(at) - now) / 1000);
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [60, 'second'],
    [3600, 'minute'],
    [86_400, 'hour'],
    [Infinity, 'day'],
  ];
  let size = 1;
  for (const [limit, unit] of steps) {
    if (Math.abs(seconds) < limit)
      return new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' }).format(
        Math.min(0, Math.round(seconds / size)),
        unit,
      );
    size = limit;
  }
  return '';
}

export type Urgency = 'far' | 'today' | 'soon' | 'due' | 'over';

/** The countdown of an answering window. */
export function countdown(endsAt: string, now: number): { urgency: Urgency; text: string } {
  const left = Date.parse(endsAt) - now;
  const minutes = left / 60_000;
  const urgency: Urgency =
    left <= 0 ? 'over' : minutes <= 5 ? 'due' : minutes <= 60 ? 'soon' : minutes <= 240 ? 'today' : 'far';
  if (urgency !== 'due' && urgency !== 'soon') return { urgency, text: lasted(Math.abs(left)) };
  const whole = Math.floor(left / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  return { urgency, text: `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}` };
}

/** Millionths of a currency's unit. Small sums keep the digits that say something. */
export function money(language: string, micros: number, currency: string): string {
  const value = micros / 1e6;
  const maximumFractionDigits = value > 0 && value < 1 ? 4 : 2;
  try {
    return new Intl.NumberFormat(language, { style: 'currency', currency, maximumFractionDigits }).format(value);
  } catch {
    // The price table's currency is free text.
    return `${value.toLocaleString(language, { maximumFractionDigits })} ${currency}`;
  }
}

export const initials = (name: string) =>
  name
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((part) => part[0]?.toLocaleUpperCase() ?? '')
    .join('') || '?';

/** A language's name in another one; its code where nobody knows it. */
export function languageName(language: string, code: string): string {
  try {
    return new Intl.DisplayNames(language, { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** A country's name; its code where nobody knows it. */
export function countryName(language: string, code: string): string {
  try {
    return new Intl.DisplayNames(language, { type: 'region' }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** `340 kB`, `2.4 MB`: how large a file is. */
export function bytes(language: string, size: number): string {
  const [unit, by] = size < 1e6 ? (['kilobyte', 1e3] as const) : (['megabyte', 1e6] as const);
  const digits = unit === 'megabyte' && size < 1e7 ? 1 : 0;
  const value = unit === 'kilobyte' ? Math.max(1, size / by) : size / by;
  return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: digits }).format(value);
}
