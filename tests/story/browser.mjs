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

export class Browser {
  #chromium;
  #address;

  static async start(address) {
    const browser = new Browser();
    browser.#address = address;
    browser.#chromium = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
    return browser;
  }

  async visitor() {
    const page = await this.#page('/demo/shop');
    const visitor = new Visitor(page);
    await visitor.opens();
    return visitor;
  }

  async agent(email, password) {
    const page = await this.#page('/');
    await page.getByTestId('sign-in-email').fill(email);
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

  async #page(path) {
    const context = await this.#chromium.newContext({ locale: 'es-ES', viewport: { width: 1440, height: 900 } });
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

  async count(text) {
    return this.timeline().getByText(text, { exact: true }).count();
  }

  timeline() {
    return this.page.getByRole('log');
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

  async opens(id) {
    await this.page.goto(new URL(`/c/${id}`, this.page.url()).href);
    await this.timeline().waitFor();
  }

  async reloads(id) {
    await this.page.reload();
    await this.opens(id);
  }

  /** Scrolls up, and has earlier messages fetched, until a text is there. */
  async looksBackTo(text) {
    const found = this.timeline().getByText(text, { exact: true });
    while (!(await found.count())) {
      const before = await this.timeline().locator('[data-seq]').first().getAttribute('data-seq');
      await this.timeline().evaluate((log) => log.closest('[data-pane]').scrollTo(0, 0));
      await this.page.waitForFunction(
        (seen) => document.querySelector('[role=log] [data-seq]').dataset.seq !== seen,
        before,
      );
    }
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
    await this.button('hand-back').waitFor();
    await this.button('transfer').waitFor();
  }

  /** Whether this agent holds the open conversation, once that is decided on this screen. */
  async holds() {
    await this.page.locator('[data-testid=hand-back], [data-testid=join]').first().waitFor();
    return (await this.button('hand-back').count()) > 0;
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

  async seesSuppressed(text) {
    const item = this.page.locator('[data-withheld]').filter({ hasText: text });
    await item.first().waitFor();
  }

  async summarises() {
    await this.button('summarise').click();
    await this.tab('summary');
    await this.page.locator('[data-kind=summary][data-status=done]').first().waitFor();
  }

  async insertsSuggestion() {
    await this.button('suggest').click();
    await this.button('ghost-insert').first().click();
    return this.button('composer').inputValue();
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
