// Drops the last build of the inbox from dist/, and nothing of its neighbours there.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

await rm(join(import.meta.dirname, '../../../dist/assets'), { recursive: true, force: true });
