import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import Header from '../src/conversation/Header.svelte';
import HelpBar from '../src/conversation/HelpBar.svelte';
import Dialogs from '../src/conversation/Dialogs.svelte';
import { keyboard } from '../src/keys';
import type { Agent, Card } from '../src/lib/wire';
import { live } from '../src/store/live.svelte';
import { may } from '../src/store/may';
import { ui } from '../src/store/ui.svelte';
import { agent, card, page } from './page';

const held = (by: string) => ({ holder: { kind: 'human' as const, agent: by }, epoch: 2 });
const queue = { holder: { kind: 'queue' as const, team: null, skill: null, since: '' }, epoch: 2 };
const bot = { holder: { kind: 'bot' as const, bot: 'bot' }, epoch: 2 };

describe('what is offered is what the house allows', () => {
  test.each<[string, Partial<Card>, string, string]>([
    ['my own', {}, 'transfer handBack close askHelp change', 'transfer handBack close askHelp change'],
    [
      'my own, with a call for help',
      { help: { by: 'me', since: '', note: null, skill: null } },
      'transfer handBack close withdrawHelp change',
      'transfer handBack close withdrawHelp change',
    ],
    [
      'another’s, with a call for help',
      { control: held('rui'), help: { by: 'rui', since: '', note: null, skill: null } },
      'join change',
      'join transfer handBack close withdrawHelp change',
    ],
    ['another’s', { control: held('rui') }, 'join change', 'join transfer handBack close change'],
    [
      'joined',
      { control: held('rui'), participants: ['me'] },
      'leave close change',
      'leave transfer handBack close change',
    ],
    ['waiting', { control: queue }, 'take handBack close change', 'take transfer handBack close change'],
    ['with a bot', { control: bot }, 'take close change', 'take transfer close change'],
    ['of nobody, closed', { control: bot, status: 'closed' }, 'reopen', 'transfer reopen'],
    ['another’s, closed', { control: held('rui'), status: 'closed' }, '', 'transfer reopen'],
  ])('%s', (_, more, toAgent, toSupervisor) => {
    const offered = (role: Agent['role']) =>
      Object.entries(may(card(more), agent('me', 'Lucía', role)))
        .filter(([, yes]) => yes)
        .map(([what]) => what)
        .join(' ');
    expect(offered('agent')).toBe(toAgent);
    expect(offered('supervisor')).toBe(toSupervisor);
    expect(offered('admin')).toBe(toSupervisor);
  });
});

afterEach(() => {
  cleanup();
  ui.dialog = null;
  live.thread = null;
  vi.unstubAllGlobals();
});

async function header(shown: Partial<Card>, role: Agent['role'] = 'agent') {
  const made = await page(shown, { agent: agent('me', 'Lucía', role) }, { 'PATCH /api/conversations/c1': card(shown) });
  live.thread = made.thread;
  history.replaceState(null, '', '/c/c1');
  render(Header, { thread: made.thread, card: made.card });
  render(Dialogs);
  return made;
}
document.body.addEventListener('keydown', keyboard);
const press = (key: string) => fireEvent.keyDown(document.body, { key });

// covers: H11
test('a call for help says what it is about and whom it seeks, and can be taken back', async () => {
  const me = { ...agent('me', 'Lucía'), skills: [] };
  const rui = { ...agent('rui', 'Rui'), skills: ['returns'] };
  const { asked, thread } = await page(
    {},
    { agent: me, agents: [me, rui] },
    { 'POST /api/conversations/c1/help': card() },
  );
  live.thread = thread;
  ui.dialog = 'ask_help';
  render(Dialogs);
  await fireEvent.input(screen.getByTestId('ask-help-note'), { target: { value: ' Which form? ' } });
  await fireEvent.change(screen.getByTestId('ask-help-skill'), { target: { value: 'returns' } });
  await fireEvent.submit(screen.getByTestId('ask-help-note').closest('form')!);
  const body = { note: 'Which form?', skill: 'returns' };
  await vi.waitFor(() => expect(asked).toContainEqual({ what: 'POST /api/conversations/c1/help', body }));
  await vi.waitFor(() => expect(ui.dialog).toBeNull());

  const help = { by: 'me', since: '2026-11-20T22:00:00.000Z', ...body };
  render(HelpBar, { card: card({ help }), help });
  expect(screen.getByTestId('help-bar').textContent).toContain('Which form?');
  await fireEvent.click(screen.getByTestId('withdraw-help'));
  expect(asked).toContainEqual({ what: 'DELETE /api/conversations/c1/help', body: undefined });
});

// covers: H09
describe('a transfer', () => {
  test('is offered to the assignee and to who leads, by button and by key', async () => {
    for (const [control, role, offered] of [
      [held('me'), 'agent', true],
      [held('rui'), 'agent', false],
      [queue, 'agent', false],
      [queue, 'supervisor', true],
      [bot, 'admin', true],
      [held('rui'), 'supervisor', true],
    ] as const) {
      await header({ control }, role);
      expect([control, role, screen.queryByTestId('menu-transfer') !== null]).toEqual([control, role, offered]);
      await press('T');
      expect([control, role, ui.dialog]).toEqual([control, role, offered ? 'transfer' : null]);
      cleanup();
      ui.dialog = null;
    }
  });
});

describe('a conversation', () => {
  const patched = (asked: { what: string; body: unknown }[]) =>
    asked.findLast(({ what }) => what.startsWith('PATCH'))?.body;

  // covers: C01
  test('is made to wait for the customer, and taken out of it', async () => {
    const { asked } = await header({});
    await fireEvent.click(screen.getByTestId('menu-pending'));
    expect(patched(asked)).toEqual({ status: 'pending' });
    cleanup();
    const waiting = await header({ status: 'pending' });
    expect(screen.getByTestId('state').textContent).toContain('Waiting for the customer');
    expect(screen.queryByTestId('menu-pending')).toBeNull();
    await press('w');
    expect(patched(waiting.asked)).toEqual({ status: 'open' });
  });

  // covers: C04
  test('is given to a team and taken from it', async () => {
    const { asked } = await header({ team: null });
    await fireEvent.click(screen.getByTestId('menu-team'));
    await fireEvent.click(await screen.findByTestId('team-returns'));
    expect(patched(asked)).toEqual({ team: 'returns' });
    cleanup();
    const theirs = await header({ team: 'returns' });
    await fireEvent.click(screen.getByTestId('menu-team'));
    await fireEvent.click(await screen.findByTestId('team-none'));
    expect(patched(theirs.asked)).toEqual({ team: null });
  });
});
