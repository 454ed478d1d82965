// What a browser must load before an agent can work: the scripts that index.html names, and all that they import.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const BUDGET = 150 * 1024;
const dist = join(import.meta.dirname, '../../../dist');

const page = await readFile(join(dist, 'index.html'), 'utf8');
const wanted = [...page.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map(([, path]) => path);
const seen = new Map();
while (wanted.length > 0) {
  const path = wanted.pop();
  if (seen.has(path)) continue;
  const text = await readFile(join(dist, path), 'utf8');
  seen.set(path, gzipSync(text, { level: 9 }).length);
  // Static imports only: what is imported on demand is not part of the first load.
  for (const [, name] of text.matchAll(
    /(?:^|[;}\s])(?:import|export)\s*(?:[\w*{}$,\s]+from\s*)?["'](\.\.?\/[^"']+)["']/g,
  ))
    wanted.push(join(dirname(path), name));
}
if (seen.size === 0) throw new Error('index.html names no script');
const total = [...seen.values()].reduce((sum, size) => sum + size, 0);
const verdict = `inbox, first load: ${(total / 1024).toFixed(1)} kB gzip of ${BUDGET / 1024} kB in ${seen.size} scripts`;
if (total > BUDGET) {
  console.error(`${verdict}: over its budget`);
  process.exit(1);
}
console.log(verdict);
