import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import typescript from 'typescript-eslint';

export default typescript.config(
  js.configs.recommended,
  typescript.configs.recommended,
  svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  { files: ['**/*.mjs', '**/vite.config.ts', 'eslint.config.js'], languageOptions: { globals: globals.node } },
  {
    // The widget draws with Preact's `h`, which costs its page less than the automatic form.
    files: ['widget/**/*.tsx'],
    languageOptions: { parserOptions: { jsxPragma: 'h', jsxFragmentName: 'Fragment' } },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: typescript.parser } },
    rules: {
      // Addresses are made by one router, which writes plain paths.
      'svelte/no-navigation-without-resolve': 'off',
      // Plain maps and dates inside one calculation are no state; state uses the reactive ones.
      'svelte/prefer-svelte-reactivity': 'off',
      // Text never becomes markup here; Markdown is drawn node by node.
      'svelte/no-at-html-tags': 'error',
    },
  },
);
