/** What the page says about its chat: `<script async src="https://host/widget.js" data-inbox="shop" data-lang="es">`. */
export interface Config {
  /** Where the script came from is where the chat lives. */
  host: string;
  inbox: string;
  /** A wish; the browser's languages decide where it is absent. */
  lang: string | null;
}

export function readConfig(script: HTMLScriptElement | null): Config | null {
  const inbox = script?.dataset.inbox;
  if (!script || !inbox) return null;
  return { host: new URL(script.src, document.baseURI).origin, inbox, lang: script.dataset.lang ?? null };
}

/** An async script has no neighbours to look at once it runs: `currentScript`, or the tag by its name. */
export const ownScript = (): HTMLScriptElement | null =>
  (document.currentScript as HTMLScriptElement | null) ??
  document.querySelector<HTMLScriptElement>('script[data-inbox][src*="widget.js"]');
