/** The house's REST calls. A refusal becomes a `Problem` that says why; a dead line one with the code `offline`. */
export class Problem extends Error {
  override name = 'Problem';
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly more: Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
let whenSignedOut: () => void = () => {};

/** Called when any answer says that the session is over. */
export const onSignedOut = (told: () => void) => {
  whenSignedOut = told;
};

export async function call<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      signal,
      credentials: 'same-origin',
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, 'offline', '');
  }
  if (answer.ok) return (answer.status === 204 ? undefined : await readJson(answer)) as T;
  const said = (await readJson(answer)) as Record<string, unknown> | null;
  const problem = new Problem(
    answer.status,
    typeof said?.code === 'string' ? said.code : `http_${answer.status}`,
    String(said?.detail ?? said?.title ?? answer.statusText),
    said ?? {},
  );
  if (answer.status === 401 && !path.startsWith('/api/session')) whenSignedOut();
  throw problem;
}

/** Brings a file; `progress` hears the share that has left, which `fetch` cannot tell. */
export const upload = <T>(path: string, file: File, progress: (share: number) => void): Promise<T> =>
  new Promise((done, fail) => {
    const ask = new XMLHttpRequest();
    ask.open('POST', `${path}?name=${encodeURIComponent(file.name)}`);
    ask.responseType = 'json';
    ask.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    ask.onloadend = () => {
      if (ask.status === 201) return done(ask.response as T);
      const said = ask.response as Record<string, unknown> | null;
      if (ask.status === 401) whenSignedOut();
      fail(new Problem(ask.status, ask.status ? String(said?.code) : 'offline', String(said?.detail ?? '')));
    };
    ask.send(file);
  });

async function readJson(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    return null;
  }
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>('GET', path, undefined, signal);
export const post = <T>(path: string, body: unknown = {}) => call<T>('POST', path, body);
export const put = <T>(path: string, body: unknown) => call<T>('PUT', path, body);
export const patch = <T>(path: string, body: unknown) => call<T>('PATCH', path, body);
export const remove = <T>(path: string) => call<T>('DELETE', path);

export const conversationPath = (id: string, rest = '') => `/api/conversations/${encodeURIComponent(id)}${rest}`;
