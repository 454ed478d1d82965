/**
 * Markdown-lite: what people write in chats, as a tree of nodes. Never HTML: whoever draws the tree makes text nodes
 * and elements of its own, so nothing that a visitor types can become markup.
 *
 * `**bold**` `__bold__` · `*italic*` `_italic_` · `~~strike~~` `~strike~` · `` `code` `` · `[text](address)` · bare
 * http(s) addresses · `- item`, `* item`, `1. item` · `> quote` · a line break is a line break · `\*` is a star.
 */
export type Inline =
  | { type: 'text'; text: string }
  | { type: 'code'; text: string }
  | { type: 'break' }
  | { type: 'strong' | 'em' | 'strike'; children: Inline[] }
  | { type: 'link'; href: string; children: Inline[] };

export type Block =
  | { type: 'paragraph'; children: Inline[] }
  | { type: 'list'; ordered: boolean; start: number; items: Inline[][] }
  | { type: 'quote'; children: Block[] };

export type Node = Inline | Block;

/** Deeper marks than this are shown as they were typed; the depth of the drawn tree stays bounded. */
const DEEPEST = 6;

export function parse(text: string): Block[] {
  return blocks(text.replace(/\r\n?/g, '\n').split('\n'), 0);
}

const BULLET = /^\s{0,3}[-*•]\s+(.*)$/;
const NUMBER = /^\s{0,3}(\d{1,9})[.)]\s+(.*)$/;
const QUOTE = /^\s{0,3}>\s?(.*)$/;

function blocks(lines: string[], depth: number): Block[] {
  const made: Block[] = [];
  let at = 0;
  /** Takes following lines while they match, giving the last group of each. */
  const take = (pattern: RegExp) => {
    const taken: string[] = [];
    for (let hit; at < lines.length && (hit = pattern.exec(lines[at]!)); at += 1) taken.push(hit.at(-1)!);
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at]!;
    const number = NUMBER.exec(line);
    if (!line.trim()) at += 1;
    else if (depth < DEEPEST && QUOTE.test(line))
      made.push({ type: 'quote', children: blocks(take(QUOTE), depth + 1) });
    else if (number)
      made.push({ type: 'list', ordered: true, start: Number(number[1]), items: take(NUMBER).map(inline) });
    else if (BULLET.test(line)) made.push({ type: 'list', ordered: false, start: 1, items: take(BULLET).map(inline) });
    else {
      const paragraph: string[] = [];
      do paragraph.push(lines[at++]!);
      while (at < lines.length && lines[at]!.trim() && !startsBlock(lines[at]!, depth));
      made.push({ type: 'paragraph', children: inline(paragraph.join('\n')) });
    }
  }
  return made;
}

const startsBlock = (line: string, depth: number) =>
  BULLET.test(line) || NUMBER.test(line) || (depth < DEEPEST && QUOTE.test(line));

const inline = (text: string) => spans(text, 0);

const MARKS = [
  ['**', 'strong'],
  ['__', 'strong'],
  ['~~', 'strike'],
  ['*', 'em'],
  ['_', 'em'],
  ['~', 'strike'],
] as const;
const WORD = /[\p{L}\p{N}]/u;
const ESCAPABLE = /[\\`*_~[\]()>#+\-.!]/;
const RUN = /\*+|_+|~+/y;
const BARE = /https?:\/\/[^\s<>"`]{1,2000}/iy;
const LINK = /\[((?:[^[\]\\\n]|\\.){1,500})\]\(\s*([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)\s*\)/y;

function spans(text: string, depth: number): Inline[] {
  const made: Inline[] = [];
  // Marks that have no closing partner further on: looked for once, so that a page of stars costs one pass.
  const unclosed = new Set<string>();
  let plain = '';
  const flush = () => {
    if (plain) made.push({ type: 'text', text: plain });
    plain = '';
  };
  const push = (node: Inline) => {
    flush();
    made.push(node);
  };

  let at = 0;
  scan: while (at < text.length) {
    const char = text[at]!;
    if (char === '\\' && ESCAPABLE.test(text[at + 1] ?? '')) {
      plain += text[at + 1];
      at += 2;
      continue;
    }
    if (char === '\n') {
      push({ type: 'break' });
      at += 1;
      continue;
    }
    if (char === '`' && !unclosed.has('`')) {
      const end = text.indexOf('`', at + 1);
      if (end > at + 1) {
        push({ type: 'code', text: text.slice(at + 1, end) });
        at = end + 1;
        continue;
      }
      if (end < 0) unclosed.add('`');
    }
    if (char === '[' && depth < DEEPEST) {
      LINK.lastIndex = at;
      const hit = LINK.exec(text);
      const href = hit && safeHref(hit[2]!);
      if (hit && href) {
        push({ type: 'link', href, children: withoutLinks(spans(hit[1]!, depth + 1)) });
        at = LINK.lastIndex;
        continue;
      }
    }
    if ((char === 'h' || char === 'H') && !WORD.test(text[at - 1] ?? '')) {
      BARE.lastIndex = at;
      const shown = trimAddress(BARE.exec(text)?.[0] ?? '');
      const href = shown && safeHref(shown);
      if (href) {
        push({ type: 'link', href, children: [{ type: 'text', text: shown }] });
        at += shown.length;
        continue;
      }
    }
    if (depth < DEEPEST && (char === '*' || char === '_' || char === '~')) {
      // A longer run is a drawn line ("*****"), not a mark.
      RUN.lastIndex = at;
      const run = RUN.exec(text)![0];
      if (run.length > 3) {
        plain += run;
        at += run.length;
        continue;
      }
      for (const [mark, type] of MARKS) {
        if (unclosed.has(mark) || !text.startsWith(mark, at) || !opens(text, at, mark)) continue;
        const end = closing(text, at + mark.length, mark);
        if (end < 0) {
          unclosed.add(mark);
          continue;
        }
        push({ type, children: spans(text.slice(at + mark.length, end), depth + 1) });
        at = end + mark.length;
        continue scan;
      }
    }
    plain += char;
    at += 1;
  }
  flush();
  return made;
}

/** A mark opens before a non-space; `_` and `~` only at a word's start (`snake_case` is a word). */
function opens(text: string, at: number, mark: string): boolean {
  const next = text[at + mark.length];
  if (next === undefined || /\s/.test(next) || (mark.length === 1 && next === mark)) return false;
  return mark[0] === '*' || !WORD.test(text[at - 1] ?? '');
}

function closing(text: string, from: number, mark: string): number {
  for (let end = text.indexOf(mark, from); end >= 0; end = text.indexOf(mark, end + 1)) {
    if (mark.length === 1 && text[end + 1] === mark) {
      // A double mark inside a single one: `*a **b** c*`.
      end += 1;
      continue;
    }
    if (end === from || /[\s\\]/.test(text[end - 1]!)) continue;
    // In `***`, the inner mark closes first.
    if (mark.length === 2 && text[end + 2] === mark[0]) end += 1;
    if (mark[0] === '*' || !WORD.test(text[end + mark.length] ?? '')) return end;
  }
  return -1;
}

const withoutLinks = (nodes: Inline[]): Inline[] =>
  nodes.flatMap((node) => {
    if (node.type === 'link') return withoutLinks(node.children);
    return 'children' in node ? [{ ...node, children: withoutLinks(node.children) }] : [node];
  });

/** Sentence marks after an address belong to the sentence; a closing bracket only when its partner is inside. */
function trimAddress(found: string): string {
  let address = found;
  for (;;) {
    const last = address.at(-1) ?? '';
    if (/[.,;:!?'*_~\]}]/.test(last)) address = address.slice(0, -1);
    else if (last === ')' && address.split(')').length > address.split('(').length) address = address.slice(0, -1);
    else return address;
  }
}

/** The address when it may be a link: http, https or mailto, and no name in front of the host (`https://bank@evil`). */
export function safeHref(raw: string): string | null {
  if (!/^(https?:\/\/|mailto:)[^\s]/i.test(raw)) return null;
  try {
    const { href, username, password } = new URL(raw);
    return username || password ? null : href;
  } catch {
    return null;
  }
}

/** The same text without marks: previews, accessible names, channels that show no formatting. */
export function toPlain(source: string | Block[]): string {
  const nodes = typeof source === 'string' ? parse(source) : source;
  return nodes.map(plainBlock).join('\n');
}

function plainBlock(block: Block): string {
  if (block.type === 'paragraph') return plainInline(block.children);
  if (block.type === 'quote') return block.children.map(plainBlock).join('\n');
  return block.items.map((item, n) => `${block.ordered ? `${block.start + n}.` : '•'} ${plainInline(item)}`).join('\n');
}

function plainInline(nodes: Inline[]): string {
  return nodes
    .map((node) => {
      if (node.type === 'break') return '\n';
      if (!('children' in node)) return node.text;
      const inner = plainInline(node.children);
      if (node.type !== 'link') return inner;
      const bare = node.href.replace(/^mailto:/, '');
      return inner === bare || `${inner}/` === bare || inner === node.href ? inner : `${inner} (${bare})`;
    })
    .join('');
}
