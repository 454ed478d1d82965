// People at their screens: a visitor on the shop page, agents in the inbox. Every wait is for something to appear.
import { mkdtemp, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { chromium } = createRequire(new URL('../../crates/relevo-inbox/ui/package.json', import.meta.url))('playwright-core');

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const PATIENCE = 60_000;
/** How a conversation is named that this agent holds. */
const MINE = /Contigo|Com você|With you/;
/** What people sit in front of, where nothing else is said. */
const DESK = { language: 'es', locale: 'es-ES', theme: 'light', width: 1440, height: 900 };

export class Browser {
  #chromium;
  #address;

  static async start(address) {
    const browser = new Browser();
    browser.#address = address;
    browser.#chromium = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
    return browser;
  }

  async visitor(screen = DESK) {
    const page = await this.#page('/demo/shop', screen);
    const visitor = new Visitor(page);
    await visitor.opens();
    return visitor;
  }

  /** `before` looks at the page before anybody signs in. */
  async agent(email, password, screen = DESK, before = async () => {}) {
    const page = await this.#page('/', screen);
    await page.getByTestId('sign-in-email').fill(email);
    await before(page);
    await page.getByTestId('sign-in-password').fill(password);
    await page.getByTestId('sign-in-submit').click();
    await page.getByTestId('view-unassigned').waitFor();
    return new Agent(page, email.split('@')[0]);
  }

  /** Pictures of every open page; the folder that they are in. */
  async pictures() {
    const folder = await mkdtemp(join(tmpdir(), 'relevo-story-pictures-'));
    const pages = this.#chromium.contexts().flatMap((context) => context.pages());
    await Promise.all(pages.map((page, n) => page.screenshot({ path: join(folder, `${n}.png`) })));
    return folder;
  }

  /**
   * Holds every take-over at the door of the server until so many have come, and then lets them in at once. The answer
   * waits for that.
   */
  async holdTakeovers(count) {
    let letIn;
    const open = new Promise((resolve) => (letIn = resolve));
    let waiting = 0;
    const contexts = this.#chromium.contexts();
    for (const context of contexts) {
      await context.route('**/take-over', async (route) => {
        waiting += 1;
        if (waiting === count) letIn();
        await open;
        await route.continue();
      });
    }
    return async () => {
      await open;
      for (const context of contexts) await context.unroute('**/take-over');
    };
  }

  async close() {
    await this.#chromium.close();
  }

  async #page(path, { locale, theme, width, height }) {
    const viewport = { width, height };
    const context = await this.#chromium.newContext({ locale, colorScheme: theme, viewport });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    page.on('pageerror', (error) => console.error(`page error on ${path}: ${error.message}`));
    await page.goto(this.#address + path);
    return page;
  }
}

class Person {
  constructor(page) {
    this.page = page;
  }

  async sees(text) {
    await this.timeline().getByText(text).first().waitFor();
  }

  async hasSeen(text) {
    return (await this.page.getByText(text).count()) > 0;
  }

  timeline() {
    return this.page.getByRole('log');
  }

  /** Everything in the timeline that a pattern matches, in its order. */
  async reads(pattern) {
    return (await this.timeline().textContent()).match(pattern) ?? [];
  }

  /** From now on a load of the page would be noticed. */
  async staysOnThisPage() {
    await this.page.evaluate(() => (window.neverLoadedAgain = true));
  }

  async stayed() {
    return this.page.evaluate(() => window.neverLoadedAgain === true);
  }

  async seesReconnecting() {
    await this.page.getByText(/^Reconectando…/).waitFor();
  }

  async seesTheLineIsBack() {
    await this.page.getByText(/^Reconectando…/).waitFor({ state: 'detached' });
  }

  /** Sends a file with words. */
  async attaches(name, bytes, text) {
    await this.page.getByTestId('attach').setInputFiles({ name, mimeType: 'whatever/it-says', buffer: Buffer.from(bytes) });
    await this.page.getByTestId('composer').fill(text);
    await this.page.getByTestId('send').click();
    await this.sees(text);
  }

  /** Waits until a picture is drawn. */
  async seesPicture(name) {
    const picture = this.timeline().getByAltText(name);
    await picture.waitFor();
    await picture.evaluate((image) => image.decode());
  }

  /** What a file holds when it is saved. */
  async saves(name) {
    const download = this.page.waitForEvent('download');
    await this.timeline().getByText(name).click();
    return readFile(await (await download).path(), 'utf8');
  }
}

class Visitor extends Person {
  async opens() {
    await this.page.getByTestId('launcher').click();
    await this.page.getByTestId('composer').waitFor();
  }

  /** Writes, without waiting for anything: also offline. */
  async types(text) {
    await this.page.getByTestId('composer').fill(text);
    await this.page.getByTestId('composer').press('Enter');
  }

  async say(text) {
    await this.types(text);
    await this.sees(text);
  }

  async asksForPerson() {
    await this.page.getByTestId('human').click();
  }

  async seesWho(who) {
    await this.page.locator(`[data-testid=who][data-who=${who}]`).waitFor();
  }

  async reloads() {
    await this.page.reload();
    const composer = this.page.getByTestId('composer');
    if (!(await composer.isVisible())) await this.opens();
  }
}

class Agent extends Person {
  constructor(page, name) {
    super(page);
    this.name = name;
  }

  button(name) {
    return this.page.getByTestId(name);
  }

  /** Waits for an unassigned conversation whose row shows a text; its id. */
  async finds(text) {
    await this.button('view-unassigned').click();
    const row = this.page.locator('[data-testid^=row-]').filter({ hasText: text });
    await row.first().waitFor();
    return (await row.first().getAttribute('data-testid')).slice('row-'.length);
  }

  /** Opens the unassigned conversation whose row shows a text, as people do. */
  async picks(text) {
    const id = await this.finds(text);
    await this.button(`row-${id}`).click();
    await this.timeline().waitFor();
  }

  /** On a narrow screen the conversation covers the rest; a wide one shows both. */
  async leavesTheConversation() {
    await this.page.goto(new URL('/', this.page.url()).href);
    await this.button('view-unassigned').waitFor();
  }

  /** The open conversation's id. */
  async conversation() {
    return new URL(this.page.url()).pathname.split('/')[2];
  }

  /** The number of the message with this text. */
  async seqOf(text) {
    return this.timeline().locator('[data-seq]').filter({ hasText: text }).first().getAttribute('data-seq');
  }

  /** Beside the conversation on a wide screen, a page of its own on a narrow one. */
  async looksAtTheContext() {
    if (!(await this.button('tab-summary').isVisible())) await this.button('context-toggle').click();
    await this.button('tab-summary').waitFor();
  }

  async leavesTheContext() {
    if (!(await this.button('composer').isVisible())) await this.page.goBack();
    await this.button('composer').waitFor();
  }

  async opens(id) {
    await this.page.goto(new URL(`/c/${id}`, this.page.url()).href);
    await this.timeline().waitFor();
  }

  async reloads() {
    await this.page.reload();
    await this.timeline().waitFor();
  }

  async tab(name) {
    await this.button(`tab-${name}`).click();
  }

  async seesInTab(text) {
    await this.tab('summary');
    await this.page.getByRole('tabpanel').getByText(text).first().waitFor();
  }

  async pressesTake() {
    await this.button('take').click();
  }

  async takes() {
    await this.pressesTake();
    await this.waitsToHold();
  }

  async waitsToHold() {
    await this.#holder().filter({ hasText: MINE }).waitFor();
  }

  /** Whether this agent holds the open conversation, once somebody does on this screen. */
  async holds() {
    await this.#holder().waitFor();
    return MINE.test(await this.#holder().innerText());
  }

  /** Who holds it, in words; the acts do not tell: a supervisor has more of them. */
  #holder() {
    return this.page.locator('[data-testid=state][data-holder=human]');
  }

  async handsBack() {
    await this.button('hand-back').click();
    await this.button('take').waitFor();
  }

  async writes(text) {
    await this.button('composer').fill(text);
  }

  async sends() {
    await this.button('send').click();
  }

  async says(text) {
    await this.button('mode-reply').click();
    await this.writes(text);
    await this.sends();
    await this.sees(text);
  }

  async notes(text) {
    await this.button('mode-note').click();
    await this.writes(text);
    await this.sends();
    await this.sees(text);
    await this.button('mode-reply').click();
  }

  /** Calls a shortcut by `/name` and sends it; the text that it became. */
  async usesShortcut(name) {
    const composer = this.button('composer');
    await composer.fill('');
    await composer.pressSequentially(`/${name}`);
    await this.button(`shortcut-${name}`).click();
    await this.page.waitForFunction(() => {
      const field = document.querySelector('[data-testid=composer]');
      return field.value.length > 0 && !field.value.startsWith('/');
    });
    const text = await composer.inputValue();
    await this.sends();
    return text;
  }

  async seesRead(text) {
    const bubble = this.page.locator('[data-testid^=item-]').filter({ hasText: text });
    await bubble.locator('[data-state=read]').first().waitFor();
  }

  /** A notice that says so. */
  async isTold(text) {
    await this.page.getByTestId('toast').filter({ hasText: text }).waitFor();
  }

  async seesMilestone(kind, text) {
    await this.timeline().locator(`[data-kind=${kind}]`).filter({ hasText: text }).last().waitFor();
  }

  async seesSuppressed(text) {
    const item = this.page.locator('[data-withheld]').filter({ hasText: text });
    await item.first().waitFor();
  }

  async asksForSummary() {
    await this.button('summarise').click();
  }

  /** The newest summary on its tab as it stands: `running` or `done`. */
  summary(status) {
    return this.page.getByRole('tabpanel').locator(`[data-kind=summary][data-status=${status}]`).first();
  }

  async insertsSuggestion() {
    await this.button('suggest').click();
    await this.button('ghost-insert').first().click();
    return this.button('composer').inputValue();
  }

  /** Has what is written put into other words; the card shows them. */
  async rewrites(style) {
    await this.button('rewrite').click();
    await this.button(`rewrite-${style}`).click();
    await this.button('ghost-insert').waitFor();
  }

  async written() {
    return this.button('composer').inputValue();
  }

  /** Takes what the card offers, as hands on the keyboard do. */
  async takesIt() {
    await this.button('composer').press('Tab');
    await this.button('ghost').waitFor({ state: 'detached' });
  }

  async undoesTheRewriting() {
    await this.button('rewrite-undo').click();
    await this.button('rewrite-undo').waitFor({ state: 'detached' });
  }

  /** Asks the Copilot on its tab; the answer. */
  async asks(question) {
    await this.tab('summary');
    await this.button('ask').fill(question);
    await this.button('ask').press('Enter');
    const answer = this.page.locator('[data-kind=ask][data-status=done]').filter({ hasText: question });
    await answer.waitFor();
    return answer;
  }

  /** Waits until the timeline has gone to the message with this text. */
  async isLedTo(text) {
    await this.page.locator('[data-seq]:focus').filter({ hasText: text }).waitFor();
  }

  /** Presses keys where nothing is being written. */
  async presses(...keys) {
    await this.page.evaluate(() => document.activeElement.blur());
    for (const key of keys) await this.page.keyboard.press(key);
  }

  async transfersTo(name) {
    await this.button('transfer').click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByText(new RegExp(name, 'i')).first().click();
    await dialog.getByTestId('transfer-submit').click();
    await dialog.waitFor({ state: 'detached' });
  }

  async closes(outcome) {
    await this.button('close').click();
    await this.page.getByTestId(`outcome-${outcome}`).click();
    await this.page.getByTestId('close-submit').click();
    await this.button('reopen').waitFor();
  }
}
