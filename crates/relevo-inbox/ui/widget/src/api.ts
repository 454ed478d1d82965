import { Refused } from '@relevo/core/socket';
import type { Config } from './config';
import type { Identity, Session, Upload } from './wire';

export interface SessionWish {
  token: string | null;
  language: string;
  identity: Identity | null;
}

/** Asks for this browser's session and a single-use ticket. Rejects with `Refused` where asking again is pointless. */
export async function openSession(config: Config, wish: SessionWish): Promise<Session> {
  const ask = (token: string | null) =>
    fetch(`${config.host}/widget/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      credentials: 'omit',
      body: JSON.stringify({
        inbox: config.inbox,
        token: token ?? undefined,
        language: wish.language,
        page: pageAddress(),
        title: document.title,
        referrer: document.referrer || undefined,
        utm: campaign(location.search),
        time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        identity: wish.identity ?? undefined,
      }),
    });
  let answer = await ask(wish.token);
  // The server does not know this browser any more: it is a new visitor.
  if (answer.status === 401 && wish.token && !wish.identity) answer = await ask(null);
  if (answer.ok) return (await answer.json()) as Session;
  const passing = answer.status === 408 || answer.status === 429 || answer.status >= 500;
  const problem = `widget session: ${answer.status}`;
  throw passing ? new Error(problem) : new Refused(problem);
}

/** Brings a file to the server; `progress` hears the share that has left. Rejects with the reason, where one is given. */
export const upload = (config: Config, token: string, file: File, progress: (share: number) => void): Promise<Upload> =>
  new Promise((done, fail) => {
    // `fetch` does not tell how far a body has come.
    const ask = new XMLHttpRequest();
    ask.open('POST', `${config.host}/widget/files?name=${encodeURIComponent(file.name)}`);
    ask.setRequestHeader('authorization', `Bearer ${token}`);
    ask.responseType = 'json';
    ask.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    ask.onloadend = () =>
      ask.status === 201
        ? done(ask.response as Upload)
        : fail(new Error((ask.response as { detail?: string } | null)?.detail ?? '!'));
    ask.send(file);
  });

/** The `n`th file of the message `seq`. */
export async function download(config: Config, token: string, seq: number, n: number): Promise<Blob> {
  const answer = await fetch(`${config.host}/widget/files/${seq}/${n}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`file: ${answer.status}`);
  return answer.blob();
}

/** Without the fragment: it often carries what a page keeps to itself. */
export const pageAddress = (): string => location.href.split('#')[0]!;

function campaign(query: string): Record<string, string> | undefined {
  const found = [...new URLSearchParams(query)].filter(([key]) => key.startsWith('utm_'));
  return found.length ? Object.fromEntries(found.map(([key, value]) => [key.slice(4), value])) : undefined;
}
