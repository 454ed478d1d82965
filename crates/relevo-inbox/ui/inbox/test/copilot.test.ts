import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import Composer from '../src/composer/Composer.svelte';
import Summary from '../src/context/Summary.svelte';
import { pieces } from '../src/context/article';
import BriefCard from '../src/conversation/BriefCard.svelte';
import { keyboard } from '../src/keys';
import { texting } from '../src/lib/i18n.svelte';
import { router } from '../src/lib/router.svelte';
import type { Artifact, Body, Source } from '../src/lib/wire';
import { again, rewrite, summarise } from '../src/store/copilot.svelte';
import { drafts } from '../src/store/drafts.svelte';
import { outgoing } from '../src/store/outgoing.svelte';
import { ui } from '../src/store/ui.svelte';
import { agent, page } from './page';

const made = (kind: Artifact['kind'], body: Body, more: Partial<Artifact> = {}): Artifact => ({
  id: 'a1',
  kind,
  status: 'done',
  created_at: '2026-11-20T22:00:00.000Z',
  created_by: 'me',
  language: 'en',
  model: 'house',
  prompt_version: '1',
  offline: false,
  covers: { first: 1, last: 5 },
  stale: false,
  new_messages: 0,
  body,
  sources: [],
  error: null,
  cost: null,
  tokens: null,
  feedback: [],
  ...more,
});
const ARTIFACTS = '/api/conversations/c1/artifacts';
const feedback = `POST ${ARTIFACTS}/a1/feedback`;

beforeEach(() => {
  ui.mode = 'reply';
  ui.reading = null;
});
afterEach(() => {
  cleanup();
  drafts.texts = {};
  vi.unstubAllGlobals();
});

async function composing(text: string) {
  const { asked, thread, card } = await page({}, {}, { [`POST ${ARTIFACTS}`]: { id: 'a1' } });
  outgoing.start('me', () => true);
  render(Composer, { thread, card });
  const box = screen.getByTestId<HTMLTextAreaElement>('composer');
  await fireEvent.input(box, { target: { value: text } });
  const told = (what: string) => asked.filter((one) => one.what === what).map(({ body }) => body);
  return { thread, box, told };
}

// covers: A03
describe('a rewriting', () => {
  const draft = 'hola ana ya sale tu pedido';
  async function rewritten() {
    const at = await composing(draft);
    at.box.setSelectionRange(9, draft.length);
    await rewrite(at.thread, 'formal');
    at.thread.artifact(made('rewrite', { draft: 'ya sale tu pedido', style: 'formal', text: 'Su pedido ya sale.' }));
    await screen.findByText('Su pedido ya sale.');
    return at;
  }

  test('is of what is selected, goes in its place, and can be taken back', async () => {
    const { thread, box, told } = await rewritten();
    expect(told(`POST ${ARTIFACTS}`)).toEqual([{ kind: 'rewrite', draft: 'ya sale tu pedido', style: 'formal' }]);
    await fireEvent.keyDown(box, { key: 'Tab' });
    await waitFor(() => expect(box.value).toBe('hola ana Su pedido ya sale.'));
    expect(thread.origin.rewrites).toEqual(['a1']);
    await fireEvent.click(await screen.findByTestId('rewrite-undo'));
    await waitFor(() => expect(box.value).toBe(draft));
    expect(thread.origin.rewrites).toEqual([]);
    expect(screen.queryByTestId('rewrite-undo')).toBeNull();
    expect(told(feedback)).toEqual([{ what: 'shown' }, { what: 'inserted' }, { what: 'rejected' }]);
  });

  test('is named with the message that it went into, and with no later one', async () => {
    const { box, told } = await rewritten();
    await fireEvent.keyDown(box, { key: 'Tab' });
    await waitFor(() => expect(box.value).toContain('Su pedido'));
    const messages = 'POST /api/conversations/c1/messages';
    await fireEvent.click(screen.getByTestId('send'));
    await waitFor(() => expect(told(messages)).toHaveLength(1));
    await fireEvent.input(box, { target: { value: 'otra cosa' } });
    await fireEvent.click(screen.getByTestId('send'));
    await waitFor(() => expect(told(messages)).toHaveLength(2));
    const named = told(messages).map((body) => (body as { rewrites?: string[] }).rewrites);
    expect(named).toEqual([['a1'], undefined]);
  });

  test('says which values it did not keep, and nothing is offered where nothing changed', async () => {
    const { thread } = await composing('son 20 euros');
    thread.ghost = 'a1';
    const warnings = [
      { what: 'lost', kind: 'number', value: '20' },
      { what: 'added', kind: 'number', value: '25' },
    ] as const;
    thread.artifact(made('rewrite', { text: 'Son 25 euros.', style: 'formal', warnings: [...warnings] }));
    const warned = await screen.findByTestId('warnings');
    expect(warned.textContent).toMatch(/Missing a number: “20”.*Added a number: “25”/s);
    thread.artifact(made('rewrite', { text: 'son 20 euros', style: 'formal', changed: false }));
    await screen.findByText('There is nothing to change');
    expect(screen.queryByTestId('ghost-insert')).toBeNull();
  });
});

// covers: A02
describe('several suggestions', () => {
  const suggestions = [{ text: 'One.' }, { text: 'Two.', internal: true }, { text: 'Three.' }];
  async function suggested(text = '') {
    const at = await composing(text);
    at.thread.ghost = 'a1';
    at.thread.artifact(made('reply', { suggestions }));
    await screen.findByText('Three.');
    return at;
  }

  test('the arrows choose in an empty composer, with Alt in any', async () => {
    const { box, told } = await suggested();
    await fireEvent.keyDown(box, { key: 'ArrowUp' });
    await fireEvent.keyDown(box, { key: 'Tab' });
    await waitFor(() => expect(box.value).toBe('Three.'));
    expect(told(feedback)).toContainEqual({ what: 'inserted', suggestion: 2 });
    cleanup();
    const other = await suggested('Hola ');
    await fireEvent.keyDown(other.box, { key: 'ArrowUp' });
    await fireEvent.keyDown(other.box, { key: 'ArrowUp', altKey: true });
    await fireEvent.keyDown(other.box, { key: 'Tab' });
    await waitFor(() => expect(other.box.value).toBe('Hola Three.'));
  });

  test('what only says that nothing answers is not put into a message', async () => {
    const { thread } = await page();
    const body = { question: 'Why?', text: 'Neither the conversation nor the sources answer this.', grounded: false };
    thread.artifacts = [made('ask', body, { offline: true })];
    render(Summary, { thread });
    expect(screen.getByTestId('ungrounded').textContent).toContain('No source found');
    for (const act of ['insert', 'note', 'copy']) expect(screen.queryByTestId(`artifact-${act}`)).toBeNull();
    thread.artifacts = [made('ask', body)];
    expect(await screen.findByTestId('artifact-insert')).toBeTruthy();
  });

  test('what rests on internal information is inserted by the second press only', async () => {
    const { thread, box } = await suggested();
    await fireEvent.keyDown(box, { key: 'ArrowDown' });
    await fireEvent.keyDown(box, { key: 'Tab' });
    expect(screen.getByTestId('ghost-asks')).toBeTruthy();
    expect([box.value, thread.ghost]).toEqual(['', 'a1']);
    await fireEvent.keyDown(box, { key: 'Escape' });
    expect(screen.queryByTestId('ghost-asks')).toBeNull();
    await fireEvent.keyDown(box, { key: 'Tab' });
    await fireEvent.keyDown(box, { key: 'Tab' });
    await waitFor(() => expect(box.value).toBe('Two.'));
  });
});

test('what a model did not write says why', async () => {
  const { thread } = await composing('');
  thread.ghost = 'a1';
  thread.artifact(
    made(
      'reply',
      { suggestions: [{ text: 'One.' }] },
      { offline: true, error: 'has used 9 of 9', failure: { kind: 'spent', used: 9, limit: 9 } },
    ),
  );
  const why = async () => (await screen.findByTestId('why-offline')).textContent;
  expect(await why()).toContain('Today’s budget of this team is used up (9 of 9 tokens)');
  await texting.use('es');
  await waitFor(async () => expect(await why()).toContain('El presupuesto de hoy de este equipo se ha agotado'));
  await texting.use('en');
  // One that an earlier version kept has the server's words alone.
  thread.artifact(made('reply', { suggestions: [{ text: 'One.' }] }, { offline: true, error: 'connection refused' }));
  await waitFor(() => expect(screen.getByTestId('why-offline').textContent).toContain('connection refused'));
});

test('text of a model that failed in the middle is gone when another begins', async () => {
  const { thread } = await page();
  thread.artifact(made('summary', {}, { status: 'running' }));
  thread.delta('a1', 'writing', 0, 'Half a sen');
  thread.artifact(made('summary', {}, { status: 'running' }));
  thread.delta('a1', 'searching', 0, 'Who');
  thread.delta('a1', null, 3, 'le.');
  expect(thread.streams.a1).toEqual({ step: 'searching', text: 'Whole.' });
  // Whoever came late, or missed a piece, is told all of it.
  thread.delta('a1', 'writing', 0, 'Whole. And more.');
  expect(thread.streams.a1).toEqual({ step: 'writing', text: 'Whole. And more.' });
});

// covers: A04 A01
describe('the AI summary tab', () => {
  const sources: Source[] = [
    { n: 1, kind: 'article', id: 'returns.md', title: 'Returns', version: 'v1', span: [0, 9] },
    { n: 2, kind: 'message', id: 'm', seq: 3 },
  ];
  const answer = made('ask', { question: 'How long?', text: '30 days [1], order 7 [2].', grounded: true }, { sources });

  test('a question is asked, and its answer opens what it cites', async () => {
    const { asked, thread } = await page({}, {}, { [`POST ${ARTIFACTS}`]: { id: 'a1' } });
    render(Summary, { thread });
    const box = screen.getByTestId<HTMLTextAreaElement>('ask');
    await fireEvent.input(box, { target: { value: ' How long? ' } });
    await fireEvent.keyDown(box, { key: 'Enter' });
    await waitFor(() => expect(box.value).toBe(''));
    const task = { kind: 'ask', question: 'How long?', language: 'en' };
    expect(asked.find(({ what }) => what === `POST ${ARTIFACTS}`)?.body).toEqual(task);
    thread.artifact(answer);
    await fireEvent.click(await screen.findByTestId('source-2'));
    expect(thread.wanted).toEqual({ seq: 3 });
    await fireEvent.click(screen.getByTestId('source-1'));
    expect(ui.reading).toMatchObject({ id: 'returns.md', version: 'v1', span: [0, 9] });
  });

  test('an answer without a source says so', async () => {
    const { thread } = await page();
    thread.artifacts = [made('ask', { question: 'Why?', text: '', grounded: false })];
    render(Summary, { thread });
    expect(screen.getByTestId('ungrounded').textContent).toContain('No source found');
  });

  test('what rests on internal information is inserted from here by the second press only, too', async () => {
    const { thread } = await page();
    const internal = made('ask', { question: 'How much?', text: '35 %.', grounded: true, internal: true });
    const suggestions = [{ text: 'One.' }, { text: 'Two.', internal: true }];
    thread.artifacts = [internal, made('reply', { suggestions }, { id: 'a2' })];
    render(Summary, { thread });
    expect(screen.getAllByTestId('internal')).toHaveLength(2);
    const [answer, one, two] = screen.getAllByTestId('artifact-insert');
    for (const [button, text] of [
      [answer!, '35 %.'],
      [two!, 'Two.'],
    ] as const) {
      await fireEvent.click(button);
      expect([thread.offered, screen.getAllByTestId('artifact-asks')]).toMatchObject([null, { length: 1 }]);
      await fireEvent.click(button);
      expect(thread.offered).toMatchObject({ text, mode: 'reply' });
      expect(screen.queryByTestId('artifact-asks')).toBeNull();
      thread.offered = null;
    }
    await fireEvent.click(one!);
    expect(thread.offered).toMatchObject({ text: 'One.' });
  });

  test('kinds are filtered; questions alone read from the first to the last', async () => {
    const { thread } = await page();
    const later = made('ask', { question: 'Second?', text: 'b', grounded: true }, { id: 'a3' });
    const first = made('ask', { question: 'First?', text: 'a', grounded: true }, { id: 'a2' });
    thread.artifacts = [later, made('summary', { text: 'All of it' }), first];
    render(Summary, { thread });
    await fireEvent.click(screen.getByTestId('filter-ask'));
    expect(screen.queryByText('All of it')).toBeNull();
    expect(screen.getAllByText(/\?$/).map((one) => one.textContent!.trim())).toEqual(['First?', 'Second?']);
  });

  test('a summary that is asked for is seen, whatever kind was looked at', async () => {
    const { thread } = await page({}, {}, { [`POST ${ARTIFACTS}`]: { id: 'a3' } });
    thread.artifacts = [
      made('ask', { question: 'Second?', text: 'b', grounded: true }, { id: 'a2' }),
      made('summary', { text: 'All of it' }),
    ];
    render(Summary, { thread });
    await fireEvent.click(screen.getByTestId('filter-ask'));
    await summarise(thread);
    thread.artifact(made('summary', {}, { id: 'a3', status: 'running' }));
    expect((await screen.findByTestId('artifact-a3')).dataset.status).toBe('running');
    expect(screen.getByTestId('filter-all').getAttribute('aria-pressed')).toBe('true');
  });

  test('what was read while it was written is still there at its end, and is copied first', async () => {
    const { thread } = await page();
    const said = 'She wants her money back. The bot could not decide it.';
    thread.artifacts = [made('summary', { text: said, issue: 'Wants a refund', next: 'Decide' })];
    render(Summary, { thread });
    expect((await screen.findByTestId('told')).textContent).toContain(said);
    await fireEvent.click(screen.getByTestId('artifact-note'));
    expect(thread.offered).toMatchObject({ text: `${said}\nProblem: Wants a refund\nNext step: Decide`, mode: 'note' });
  });

  test('the problem is told once where there is no more to tell', async () => {
    const { thread } = await page();
    thread.artifacts = [made('brief', { text: 'ok, thanks', issue: 'ok, thanks' })];
    render(Summary, { thread });
    expect(screen.getAllByText('ok, thanks')).toHaveLength(1);
    expect(screen.queryByTestId('told')).toBeNull();
  });

  test('a rating is given, changed and taken back', async () => {
    const { asked, thread } = await page();
    thread.artifacts = [made('summary', { text: 'All of it' })];
    render(Summary, { thread });
    const [good, bad] = [screen.getByTestId('rate-good'), screen.getByTestId('rate-bad')];
    await fireEvent.click(good);
    expect(good.getAttribute('aria-pressed')).toBe('true');
    await fireEvent.click(bad);
    await fireEvent.click(bad);
    expect([good, bad].map((one) => one.getAttribute('aria-pressed'))).toEqual(['false', 'false']);
    const rated = asked.filter(({ what }) => what === feedback).map(({ body }) => body as { rating?: string });
    expect(rated.slice(1).map(({ rating }) => rating)).toEqual(['good', 'bad', undefined]);
  });

  test('a stale one tells how much was said since and is brought up to date; regenerating asks for it anew', async () => {
    const { asked, thread } = await page({}, {}, { [`POST ${ARTIFACTS}`]: { id: 'a2' } });
    thread.artifacts = [made('summary', { text: 'All of it' }, { stale: true, new_messages: 4 })];
    render(Summary, { thread });
    expect(screen.getByTestId('stale').textContent).toContain('4 new messages since');
    await fireEvent.click(screen.getByTestId('update'));
    await fireEvent.click(screen.getByTestId('regenerate'));
    const tasks = asked.filter(({ what }) => what === `POST ${ARTIFACTS}`).map(({ body }) => body);
    expect(tasks).toEqual([
      { kind: 'summary', language: 'en' },
      { kind: 'summary', language: 'en', again: true },
    ]);
  });
});

// covers: H18
test('a brief that is still being written is read as it grows', async () => {
  const { thread } = await page();
  const brief = made('brief', {}, { status: 'running' });
  thread.artifact(brief);
  const { rerender } = render(BriefCard, { thread, brief });
  thread.delta('a1', 'writing', 0, 'Asks about order');
  expect(await screen.findByText(/Asks about order/)).toBeTruthy();
  await rerender({ thread, brief: made('brief', { text: 'Asks about order 7.' }) });
  expect(screen.getByText('Asks about order 7.')).toBeTruthy();
  await rerender({ thread, brief: made('brief', {}, { status: 'failed', error: 'the server stopped' }) });
  expect(screen.getByText(/the server stopped/)).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Retry' })).toBeTruthy();
});

test('of an article the headings stand apart, and what was cited is marked by its bytes', () => {
  const text = '# Año\n\nUno.\n\n## Días\n\nDos – tres.\n';
  const span: [number, number] = [text.indexOf('Uno') + 1, text.indexOf('Uno') + 1 + 'Uno.\n\n## Días'.length + 1];
  expect(pieces(text, span)).toEqual([
    { heading: true, text: 'Año', cited: false },
    { heading: false, text: 'Uno.\n', cited: true },
    { heading: true, text: 'Días', cited: true },
    { heading: false, text: '\n\nDos – tres.\n', cited: false },
  ]);
  expect(pieces(text, null).some(({ cited }) => cited)).toBe(false);
});

test('G and a letter go to a page; reports are for those who lead', async () => {
  const press = (...keys: string[]) => {
    for (const key of keys) {
      const event = new KeyboardEvent('keydown', { key, cancelable: true });
      Object.defineProperty(event, 'target', { value: document.body });
      keyboard(event);
    }
  };
  await page();
  router.to({ page: 'inbox' });
  press('g', 'r');
  expect(router.place.page).toBe('inbox');
  press('g', 'k');
  expect(router.place.page).toBe('knowledge');
  await page({}, { agent: agent('me', 'Sofía', 'supervisor') });
  press('g', 'r');
  expect(router.place.page).toBe('reports');
  router.to({ page: 'inbox' });
});

// covers: A03
test('a rewriting is regenerated from its own draft, whatever was rewritten since', async () => {
  const { asked, thread } = await page();
  thread.rewriting = { from: 4, draft: 'A later draft', mode: 'reply' };
  await again(thread, made('rewrite', { draft: 'The first draft', style: 'shorter' }));
  expect(asked.map(({ body }) => body)).toContainEqual({ kind: 'rewrite', draft: 'The first draft', style: 'shorter' });
});

// covers: A04
test('a stopped answer is shown without the marks of its sources, as one that is being written', async () => {
  const { thread } = await page();
  const asked = made('ask', { question: 'Where is it?' }, { status: 'running' });
  thread.artifacts = [asked];
  render(Summary, { thread });
  thread.delta('a1', 'writing', 0, 'It left on Monday [#3]. It takes ten days [1, 2]. Ask [');
  const text = 'It left on Monday. It takes ten days. Ask';
  expect((await screen.findByTestId('writing')).textContent).toContain(text);
  expect(screen.getByTestId('writing').textContent).not.toContain('[');
  thread.artifact({ ...asked, status: 'cancelled', body: null });
  expect((await screen.findByText(text)).textContent).not.toContain('[');
});

// covers: A01
test('what a summary copied from a message is shown as the message is', async () => {
  const { thread } = await page();
  thread.artifacts = [made('summary', { issue: 'It costs **20 €**', tried: ['We _asked_', 'They waited'] })];
  render(Summary, { thread });
  expect((await screen.findByText('20 €')).tagName).toBe('STRONG');
  expect(screen.getByText('asked').tagName).toBe('EM');
});
