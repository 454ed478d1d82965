import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, expect, test, vi } from 'vitest';
import type { KnowledgeSource } from '../src/lib/wire';
import Knowledge from '../src/pages/Knowledge.svelte';
import { knowledge } from '../src/store/knowledge.svelte';
import { page } from './page';

const source = (change: Partial<KnowledgeSource> = {}): KnowledgeSource => ({
  id: 'help',
  name: 'Help pages',
  kind: 'urls',
  places: ['https://example.com/help'],
  built_in: false,
  published: true,
  internal: false,
  language: null,
  inboxes: [],
  articles: 2,
  read_at: new Date().toISOString(),
  reading: null,
  problems: [],
  ...change,
});
const article = { id: 'a', title: 'Refunds', language: 'en', internal: true, published: true, words: 40, version: 'v' };
const overview = (mayChange: boolean, ...sources: KnowledgeSource[]) => ({
  index: 'embedded',
  passages: 12,
  may_change: mayChange,
  sources,
  problems: [],
});

// Dialogs of the test's page have no top layer.
HTMLDialogElement.prototype.showModal ??= () => {};
HTMLDialogElement.prototype.close ??= () => {};

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function shown(mayChange: boolean, one = source()) {
  const { asked } = await page(
    {},
    {},
    {
      'GET /api/knowledge': overview(mayChange, one),
      'GET /api/knowledge/sources/help/articles': [article],
      'POST /api/knowledge/sources': { id: 'help' },
      'GET /api/knowledge/search?q=refund&public=true': [
        { ...article, source: 'help', kind: 'article', span: [0, 9], text: 'Five days', likeness: 0.42 },
      ],
    },
  );
  knowledge.overview = null;
  knowledge.open = null;
  render(Knowledge);
  await fireEvent.click(await screen.findByText('Help pages'));
  await screen.findByTestId('knowledge-articles');
  return asked;
}

test('an agent reads and tries, a supervisor also changes', async () => {
  await shown(false);
  expect(screen.queryByRole('button', { name: 'Unpublish' })).toBeNull();
  expect(screen.queryByTestId('knowledge-add')).toBeNull();
  cleanup();
  const asked = await shown(true);
  await fireEvent.click(screen.getByRole('button', { name: 'Unpublish “Refunds”' }));
  expect(asked.find(({ what }) => what === 'PATCH /api/knowledge/sources/help/articles')?.body).toEqual({
    article: 'a',
    published: false,
  });
});

test('errors, reading and what is not published are said in words', async () => {
  const problems = [{ place: 'https://example.com/gone', problem: 'answered with HTTP 404: check the address' }];
  await shown(true, source({ problems, reading: [3, 9] }));
  expect(screen.getAllByText('Reading 3 of 9')).toHaveLength(2);
  expect(screen.getByText('1 error')).toBeTruthy();
  expect(screen.getByText(/HTTP 404/)).toBeTruthy();
  cleanup();
  await shown(true, source({ published: false, articles: 0 }));
  expect(screen.getAllByText('0 articles · not published')).toHaveLength(2);
});

test('a search shows passages with their likeness, as customers would get them where that is asked for', async () => {
  await shown(false);
  await fireEvent.input(screen.getByTestId('knowledge-question'), { target: { value: 'refund' } });
  await fireEvent.click(screen.getByRole('checkbox'));
  expect(await screen.findByText('fits 42 %')).toBeTruthy();
  expect(screen.getByTestId('knowledge-found').textContent).toContain('Internal');
});

test('addresses are added one a line', async () => {
  const asked = await shown(true);
  await fireEvent.click(screen.getByTestId('knowledge-add'));
  await fireEvent.input(screen.getByTestId('knowledge-name'), { target: { value: 'FAQ' } });
  const urls = ' https://a.example/1\nhttps://a.example/2 ';
  await fireEvent.input(screen.getByPlaceholderText('https://www.example.com/help'), { target: { value: urls } });
  const add = screen.getByRole('button', { name: 'Add', hidden: true });
  await fireEvent.submit(add.closest('dialog')!.querySelector('form')!);
  const sent = asked.find(({ what }) => what === 'POST /api/knowledge/sources');
  expect(sent?.body).toEqual({ name: 'FAQ', internal: false, urls: ['https://a.example/1', 'https://a.example/2'] });
});

const files = (...some: [string, string][]) => some.map(([name, text]) => new File([text], name));

async function choosing(kind: string) {
  const asked = await shown(true);
  await fireEvent.click(screen.getByTestId('knowledge-add'));
  await fireEvent.click(screen.getByTestId(`knowledge-kind-${kind}`));
  const add = async () =>
    fireEvent.submit(screen.getByTestId('knowledge-submit').closest('dialog')!.querySelector('form')!);
  const choose = (some: File[]) => fireEvent.change(screen.getByTestId('knowledge-files'), { target: { files: some } });
  const added = () => asked.filter(({ what }) => what === 'POST /api/knowledge/sources').map(({ body }) => body);
  return { add, choose, added };
}

test('one file is shown before it is added, named and read as its ending says', async () => {
  const { add, choose, added } = await choosing('table');
  await choose(files(['faq.jsonl', '{"question":"a","answer":"b"}']));
  const text = screen.getByTestId<HTMLTextAreaElement>('knowledge-text');
  await vi.waitFor(() => expect(text.value).toContain('"question"'));
  await add();
  expect(added()).toEqual([{ name: 'faq', internal: false, text: text.value, format: 'jsonl' }]);
});

test('of several files each becomes a source of its own', async () => {
  const { add, choose, added } = await choosing('markdown');
  await choose(files(['one.md', '# One'], ['two.txt', 'Two']));
  await screen.findByText('two');
  await add();
  await vi.waitFor(() => expect(added()).toHaveLength(2));
  expect(added()).toEqual([
    { name: 'one', internal: false, text: '# One', format: 'markdown' },
    { name: 'two', internal: false, text: 'Two', format: 'markdown' },
  ]);
});

test('a folder of the server is added by its command, which is shown', async () => {
  await choosing('folder');
  expect(screen.getByText(/^relevo knowledge add --name/)).toBeTruthy();
  expect(screen.queryByTestId('knowledge-submit')).toBeNull();
});

test('a source gets another name and audience', async () => {
  const asked = await shown(true);
  await fireEvent.click(screen.getByTestId('knowledge-edit'));
  await fireEvent.input(screen.getByTestId('knowledge-rename'), { target: { value: 'FAQ' } });
  await fireEvent.click(screen.getByRole('checkbox', { name: /team only/, hidden: true }));
  await fireEvent.submit(screen.getByTestId('knowledge-rename').closest('form')!);
  const sent = asked.find(({ what }) => what === 'PATCH /api/knowledge/sources/help');
  expect(sent?.body).toEqual({ name: 'FAQ', internal: true });
});
