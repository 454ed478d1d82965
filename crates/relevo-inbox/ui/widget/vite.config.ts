import { defineConfig } from 'vite';

export default defineConfig({
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
