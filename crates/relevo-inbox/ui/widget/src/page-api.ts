import type { Chat, Events } from './chat';
import type { Identity } from './wire';

/** `window.Relevo`: what a page may ask of its chat. */
export interface Relevo {
  open: () => void;
  close: () => void;
  /** Says who the visitor is; `hmac` is made by the page's own server with the inbox's key. */
  identify: (identity: Identity) => void;
  /** `es`, `pt` or `en`, with or without a region. */
  setLocale: (language: string) => void;
  /** Hears `open`, `close`, `unread`, `message` and `state`; gives the way to stop. */
  on: <Name extends keyof Events>(name: Name, hear: (value: Events[Name]) => void) => () => void;
}

declare global {
  interface Window {
    Relevo?: Relevo;
  }
}

/** Also tells the page that it is there: the script is async. */
export function publish(chat: Chat): void {
  const listeners = new Map<keyof Events, Set<(value: never) => void>>();
  chat.listen((name, value) => {
    for (const hear of listeners.get(name) ?? []) {
      try {
        hear(value as never);
      } catch (error) {
        // A listener of the page that breaks must not break the chat.
        console.error(error);
      }
    }
  });
  window.Relevo = {
    open: () => chat.show(),
    close: () => chat.hide(),
    identify: (identity) => chat.identify(identity),
    setLocale: (language) => chat.setLocale(language),
    on: (name, hear) => {
      const heard = listeners.get(name) ?? new Set();
      listeners.set(name, heard.add(hear as never));
      return () => void heard.delete(hear as never);
    },
  };
  window.dispatchEvent(new Event('relevo:ready'));
}
