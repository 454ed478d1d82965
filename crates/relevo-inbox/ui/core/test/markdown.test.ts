import { describe, expect, test } from 'vitest';
import { parse, safeHref, toPlain, type Inline, type Node } from '../src/markdown';

/** A short spelling of a tree: `strong(a em(b))`. */
const sketch = (nodes: Node[]): string =>
  nodes
    .map((node) => {
      if (node.type === 'text') return node.text;
      if (node.type === 'code') return `code(${node.text})`;
      if (node.type === 'break') return '⏎';
      if (node.type === 'link') return `link[${node.href}](${sketch(node.children)})`;
      if (node.type === 'list')
        return `${node.ordered ? `ol${node.start}` : 'ul'}(${node.items.map(sketch).join('|')})`;
      return `${node.type}(${sketch(node.children)})`;
    })
    .join('');
/** Of a text that is one paragraph. */
const line = (text: string): string => {
  const [only, ...others] = parse(text);
  expect(others).toEqual([]);
  return sketch((only as { children: Inline[] }).children);
};

// covers: T03
describe('marks', () => {
  test.each([
    ['**a** __b__', 'strong(a) strong(b)'],
    ['*a* _b_', 'em(a) em(b)'],
    ['~~a~~ ~b~', 'strike(a) strike(b)'],
    ['**a *b* c**', 'strong(a em(b) c)'],
    ['*a **b** c*', 'em(a strong(b) c)'],
    ['***a***', 'strong(em(a))'],
    ['`**a**`', 'code(**a**)'],
    ['a\nb', 'a⏎b'],
  ])('%s', (text, tree) => expect(line(text)).toBe(tree));

  test.each([
    'snake_case_name',
    'snake_case_ here',
    '2 * 3 * 4',
    '**open',
    '* ',
    '\\',
    '``',
    '~ a ~',
    '5*',
    '__init',
    '****a****',
  ])('leaves %s as it was typed', (text) => expect(toPlain(text).replace('• ', '* ').trim()).toBe(text.trim()));

  test('a backslash makes a mark ordinary', () => expect(line('\\*a\\* \\[b](c)')).toBe('*a* [b](c)'));
});

describe('blocks', () => {
  test('lists, quotes and paragraphs follow each other without blank lines', () =>
    expect(sketch(parse('Hi\n- a\n- *b*\n3. c\n4. d\n> q\n> - e\nend'))).toBe(
      'paragraph(Hi)ul(a|em(b))ol3(c|d)quote(paragraph(q)ul(e))paragraph(end)',
    ));
});

describe('links', () => {
  test.each([
    ['[shop](https://x.example/a_(b))', 'link[https://x.example/a_(b)](shop)'],
    ['see https://x.example/a, ok', 'see link[https://x.example/a](https://x.example/a), ok'],
    ['(https://x.example/a_(b))', '(link[https://x.example/a_(b)](https://x.example/a_(b)))'],
    ['[m](mailto:a@b.example)', 'link[mailto:a@b.example](m)'],
    ['[https://x.example](https://y.example)', 'link[https://y.example/](https://x.example)'],
  ])('%s', (text, tree) => expect(line(text)).toBe(tree));

  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    '//x.example',
    '/relative',
    'https://bank.example@evil.example/',
    'http://',
  ])('%s is never a link', (address) => {
    expect(safeHref(address)).toBeNull();
    expect(JSON.stringify(parse(`[a](${address}) ${address}`))).not.toMatch(/"href":"(?!https?:|mailto:)/i);
  });

  test('markup of a page is only text', () =>
    expect(line('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>'));
});

test.each([['*'], ['[a]('], ['**a '], ['_a'], ['> '], ['https://a.b/)'], ['`a '], ['[**a'], ['\\']])(
  'a message full of "%s" is read in no time and keeps its depth small',
  (piece) => {
    const text = piece.repeat(8000 / piece.length);
    const tree = parse(text);
    // The best of several, because a busy machine may stop any one of them.
    const times = [1, 2, 3, 4, 5].map(() => {
      const started = performance.now();
      parse(text);
      return performance.now() - started;
    });
    expect(Math.min(...times)).toBeLessThan(400);
    const depth = (node: object): number => {
      const below = ['children', 'items'].flatMap((key) => ((node as never)[key] as object[] | undefined) ?? []).flat();
      return 1 + Math.max(0, ...below.map(depth));
    };
    expect(Math.max(...tree.map(depth))).toBeLessThan(20);
  },
);

test('plain text keeps the words, the list marks and the address behind a name', () =>
  expect(toPlain('**Hi** [shop](https://x.example/)\n\n1. a\n2. `b`\n> c\nhttps://y.example/z')).toBe(
    'Hi shop (https://x.example/)\n1. a\n2. b\nc\nhttps://y.example/z',
  ));
