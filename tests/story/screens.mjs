// What any screen must keep: its width, its language, and the main acts within reach.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

export const SCREENS = [
  { language: 'pt', locale: 'pt-PT', theme: 'dark', width: 1440, height: 900 },
  { language: 'pt', locale: 'pt-BR', theme: 'light', width: 390, height: 844 },
  { language: 'en', locale: 'en-GB', theme: 'dark', width: 390, height: 844 },
];

const LANGUAGES = ['es', 'pt', 'en'];
const CATALOGUES = {
  inbox: '../../crates/relevo-inbox/ui/inbox/src/locales',
  widget: '../../crates/relevo-inbox/ui/widget/src/texts',
};

/** Nothing has to be scrolled sideways, and nothing stands beyond the edge. */
export async function fits(page) {
  const [needed, there] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.scrollingElement;
    return [scrollWidth, clientWidth];
  });
  assert.ok(needed <= there, `the page needs ${needed} px and has ${there}`);
}

/** Dark is dark, and light is light. */
export async function wears(page, theme, part) {
  const ground = part === 'widget' ? page.getByTestId('panel') : page.locator('body');
  const [red, green, blue] = await ground.evaluate((element) =>
    getComputedStyle(element).backgroundColor.match(/\d+/g).map(Number),
  );
  assert.equal(red + green + blue < 3 * 128 ? 'dark' : 'light', theme);
}

/** It could be pressed: it is seen, enabled, and nothing lies over it. */
export async function reachable(button) {
  await button.click({ trial: true });
}

/** What the page says comes from its language's catalogue, and nothing from another's. */
export async function speaks(page, language, part) {
  const texts = Object.fromEntries(await Promise.all(LANGUAGES.map(async (tag) => [tag, await catalogue(part, tag)])));
  const foreign = new Set(LANGUAGES.flatMap((tag) => [...texts[tag]]).filter((text) => !texts[language].has(text)));
  const said = await page.evaluate(words, part === 'widget' ? 'relevo-chat' : 'body');
  assert.deepEqual(said.filter((text) => foreign.has(text)), [], `texts that are not ${language}`);
  const own = said.filter((text) => texts[language].has(text));
  assert.ok(own.length >= 3, `texts of ${language}: only ${JSON.stringify(own)} among ${JSON.stringify(said)}`);
  const tag = await page.evaluate(() => document.documentElement.lang);
  assert.equal(tag.slice(0, 2), language, 'the language that the page names');
}

/** Whole texts only: one that takes values is known by its other words, which are not looked for. */
async function catalogue(part, language) {
  const file = new URL(`${CATALOGUES[part]}/${language}.json`, import.meta.url);
  return new Set(Object.values(JSON.parse(await readFile(file, 'utf8'))).filter((text) => !text.includes('{')));
}

/** In the page: every text that is seen or read aloud below an element, without what people wrote. */
function words(selector) {
  const said = [];
  const look = (node) => {
    if (node.nodeType === Node.TEXT_NODE) said.push(node.data.trim());
    if (node.nodeType !== Node.ELEMENT_NODE && node.nodeType !== Node.DOCUMENT_FRAGMENT_NODE) return;
    if (node.matches?.('.bubble, script, style, select')) return;
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
      const value = node.getAttribute?.(name);
      if (value) said.push(value);
    }
    for (const child of node.childNodes) look(child);
    if (node.shadowRoot) look(node.shadowRoot);
  };
  look(document.querySelector(selector));
  return said.filter(Boolean);
}
