import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/** The keys of the catalogues are sent once, with `es`; a test holds the three to the same keys in the same order. */
const keysOnce: Plugin = {
  name: 'keys-once',
  apply: 'build',
  enforce: 'pre',
  transform: {
    filter: { id: /texts\/(pt|en)\.json$/ },
    handler(_, id) {
      const values = JSON.stringify(Object.values(JSON.parse(readFileSync(id, 'utf8')) as object));
      const code = `import es from './es.json';
const values = ${values};
export default Object.fromEntries(Object.keys(es).map((key, n) => [key, values[n]]));`;
      return { code, moduleType: 'js' };
    },
  },
};

export default defineConfig({
  plugins: [keysOnce],
  oxc: { jsx: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' } },
  build: {
    // All of these draw `light-dark()` and adopt style sheets; lowering it would cost half a kB.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    outDir: '../../dist',
    // The inbox's pages live in the same folder.
    emptyOutDir: false,
    lib: { entry: 'src/index.tsx', formats: ['iife'], name: 'RelevoWidget', fileName: () => 'widget.js' },
  },
});
