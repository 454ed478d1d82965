import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';
import { parseMessage } from '../core/src/icu';

/**
 * The messages of the catalogues are read here, so that no page pays for a reader; and their keys are sent once, with
 * `es`: a test holds the three to the same keys in the same order.
 */
const catalogues: Plugin = {
  name: 'catalogues',
  enforce: 'pre',
  transform: {
    filter: { id: /texts\/(es|pt|en)\.json$/ },
    handler(_, id) {
      const texts = JSON.parse(readFileSync(id, 'utf8')) as Record<string, string>;
      const parts = Object.values(texts).map(parseMessage);
      const keys = id.endsWith('es.json')
        ? `const keys = ${JSON.stringify(Object.keys(texts))};`
        : `import es from './es.json'; const keys = Object.keys(es);`;
      const code = `${keys}
const parts = ${JSON.stringify(parts)};
export default Object.fromEntries(keys.map((key, n) => [key, parts[n]]));`;
      return { code, moduleType: 'js' };
    },
  },
};

export default defineConfig({
  plugins: [catalogues],
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
