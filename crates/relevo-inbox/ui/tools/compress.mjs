// Writes .br and .gz siblings beside every compressible file of dist/, and drops those whose original is gone or newer.
// The server only picks among them, so nobody compresses at request time.
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const COMPRESSIBLE = /\.(js|css|html|svg|json|txt|webmanifest)$/;

export async function compress(folder) {
  const names = await readdir(folder, { recursive: true });
  const files = new Set(names.map((name) => join(folder, name)));
  for (const path of files) {
    const original = /^(.*)\.(br|gz)$/.exec(path)?.[1];
    if (original && !files.has(original)) await rm(path);
    if (!COMPRESSIBLE.test(path)) continue;
    const { mtimeMs } = await stat(path);
    const done = await stat(`${path}.br`).catch(() => null);
    if (done && done.mtimeMs >= mtimeMs) continue;
    const bytes = await readFile(path);
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
    await writeFile(`${path}.br`, brotli);
    await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

if (process.argv[1] === import.meta.filename) await compress(join(import.meta.dirname, '../../dist'));
