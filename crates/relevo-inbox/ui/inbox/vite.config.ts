import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vitest/config';

const server = process.env.RELEVO_SERVER ?? 'http://127.0.0.1:7007';
const passed = ['/api', '/widget', '/widget.js', '/demo'];

export default defineConfig({
  plugins: [tailwindcss(), svelte(), svelteTesting()],
  build: {
    target: ['chrome123', 'firefox120', 'safari17.5'],
    outDir: '../../dist',
    // The widget, the sample shop and the API's page live in the same folder: scripts/clean.mjs drops only what is ours.
    emptyOutDir: false,
    modulePreload: { polyfill: false },
    // A strict policy allows no data: addresses in scripts or styles.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      ...Object.fromEntries(passed.map((path) => [path, { target: server }])),
      '/ws': { target: server, ws: true },
    },
  },
  test: { environment: 'happy-dom', include: ['test/**/*.test.ts'] },
});
