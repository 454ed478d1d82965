// Builds widget.js, and puts the two pages that have no build of their own beside it: the sample shop and the API's page.
import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { minify } from 'terser';
import { build } from 'vite';
import { compress } from '../tools/compress.mjs';

/** What a page that carries the widget pays for it, at most. */
const BUDGET = 20 * 1024;

const here = import.meta.dirname;
const ui = dirname(here);
const dist = join(ui, '../dist');

await build({ root: here, configFile: join(here, 'vite.config.ts'), logLevel: 'warn' });
// A second minifier after the bundler's own: the two together are smaller than either.
const script = join(dist, 'widget.js');
const squeeze = { passes: 3, unsafe: true, unsafe_arrows: true, pure_getters: true, keep_fargs: false };
const { code } = await minify(await readFile(script, 'utf8'), { compress: squeeze, ecma: 2022 });
await writeFile(script, code);
const size = gzipSync(code, { level: 9 }).length;
const verdict = `widget.js: ${(size / 1024).toFixed(1)} kB gzip of ${BUDGET / 1024} kB`;
if (size > BUDGET) {
  console.error(`${verdict}: over its budget`);
  process.exit(1);
}
console.log(verdict);

await cp(join(ui, 'shop'), join(dist, 'demo/shop'), { recursive: true });

const docs = join(dist, 'api-docs');
await mkdir(docs, { recursive: true });
const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css', 'LICENSE', 'NOTICE'])
  await copyFile(join(swagger, name), join(docs, name));
await cp(join(ui, 'api-docs'), docs, { recursive: true });

await compress(dist);
