/** In the order in which they must be asked: most browsers claim to be those after them. */
const BROWSERS: [string, RegExp][] = [
  ['Edge', /Edg(?:e|A|iOS)?\//],
  ['Opera', /OPR\/|OPiOS\//],
  ['Samsung Internet', /SamsungBrowser\//],
  ['Firefox', /Firefox\/|FxiOS\//],
  ['Chrome', /Chrome\/|CriOS\//],
  ['Safari', /Safari\//],
];
const SYSTEMS: [string, RegExp][] = [
  ['Android', /Android/],
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['Windows', /Windows/],
  ['macOS', /Mac OS X|Macintosh/],
  ['ChromeOS', /CrOS/],
  ['Linux', /Linux|X11/],
];

/** A user agent's text as a person would say it: `Chrome · Windows`. Empty where nothing is known in it. */
export const device = (agent: string): string =>
  [BROWSERS, SYSTEMS]
    .map((known) => known.find(([, sign]) => sign.test(agent))?.[0])
    .filter(Boolean)
    .join(' · ');
