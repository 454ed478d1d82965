// @vitest-environment node
import { readFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';
import { expect, test } from 'vitest';

const described = new URL('../../../../../docs/openapi.json', import.meta.url);

/** The shapes alone: what is asked where is written once, in the stores. */
async function shapes() {
  const { components, ...about } = JSON.parse(await readFile(described, 'utf8'));
  const bare = { ...about, paths: {}, components: { schemas: components.schemas } };
  return `// Made by \`npm run wire -w inbox\`.\n${astToString(await openapiTS(bare, { emptyObjectsUnknown: true }))}`;
}

test('the shapes are those of the server’s description; `npm run wire -w inbox` makes them anew', async () => {
  await expect(await shapes()).toMatchFileSnapshot('../src/lib/openapi.d.ts');
});
