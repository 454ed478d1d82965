import { h, render } from 'preact';
import { publish } from './page-api';
import { Chat } from './chat';
import { ownScript, readConfig } from './config';
import css from './style.css?inline';
import { App } from './view/app';
import { provide } from './view/use';

/** The widget's element: closed to the page's styles, open to its eyes. */
function mount(chat: Chat): void {
  const host = document.createElement('relevo-chat');
  const root = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  // The page's own single-key shortcuts see the element, not the text field inside, and would act on what is typed.
  for (const type of ['keydown', 'keyup', 'keypress'] as const)
    host.addEventListener(type, (event) => event.stopPropagation());
  // Some phones lay their keyboard over the page instead of shortening it.
  visualViewport?.addEventListener('resize', () =>
    host.style.setProperty('--visible', `${visualViewport?.height ?? innerHeight}px`),
  );
  document.body.append(host);
  provide(chat);
  let wasOpen = false;
  chat.redraw = () => {
    const inside = root.activeElement;
    render(<App />, root);
    if (chat.open === wasOpen) {
      // A pressed button that is gone or spent must not take the keyboard's place in the panel with it.
      const now = root.activeElement as HTMLButtonElement | null;
      if (inside && chat.open && (!now || now.disabled)) root.querySelector<HTMLElement>('.panel')?.focus();
      return;
    }
    wasOpen = chat.open;
    // On a touch screen the keyboard would cover what the person came to read; closing gives the focus back.
    const touch = matchMedia('(pointer: coarse)').matches;
    const target = chat.open ? (touch ? '.panel' : 'textarea') : inside && '.launcher';
    if (target) root.querySelector<HTMLElement>(target)?.focus();
  };
  chat.redraw();
}

const config = readConfig(ownScript());
if (!config) console.error('Relevo: the script tag needs data-inbox="…"');
else if (!document.querySelector('relevo-chat')) {
  const chat = new Chat(config);
  const start = () => {
    mount(chat);
    publish(chat);
    void chat.resume();
  };
  if (document.body) start();
  else document.addEventListener('DOMContentLoaded', start);
}
