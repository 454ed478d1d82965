// A webhook bot for Relevo with nothing but Node. `answer` is the bot; the rest is the contract: check the signature,
// do the work of a turn once however often it is delivered, answer now (200) or later (202 and a request of its own),
// and stop when a person has taken over (409).
//
//     RELEVO_SECRET=whsec_... node bot.mjs
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const TOLERANCE = 5 * 60; // seconds that a signature may be old or early, as Standard Webhooks has it
export const LARGEST_BODY = 256 * 1024; // bytes; a turn is far smaller
const REMEMBERED = 1000; // answers kept for turns that are delivered again

const TEXTS = {
  es: { hello: 'Hola, soy el bot de envíos.', human: 'Hablar con una persona', person: 'Te paso con una persona.', found: 'sale hoy del almacén.' },
  en: { hello: 'Hi, I am the parcel bot.', human: 'Talk to a person', person: 'I am getting a colleague.', found: 'leaves the warehouse today.' },
};

/** What the bot says: an answer, or a function that makes one later. */
export function answer({ conversation, message }) {
  const texts = TEXTS[conversation.language?.slice(0, 2)] ?? TEXTS.es;
  const said = message.payload ?? message.text;
  const order = /\bA-?(\d{3,})\b/i.exec(said)?.[1];
  if (order) return async () => ({ messages: [{ text: `A-${order} ${texts.found}` }], captured: { order: `A-${order}` } });
  if (said === 'human') return { messages: [{ text: texts.person }], handoff: { reason: 'asked with a button', note: 'Greeted only.' } };
  return { messages: [{ text: texts.hello, buttons: [{ title: texts.human, payload: 'human' }] }] };
}

export class Signer {
  #key;

  constructor(secret = '') {
    if (!/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(secret)) throw new Error('RELEVO_SECRET is `whsec_` and base64, as in relevo.toml');
    this.#key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  }

  mac(id, stamp, body) {
    return `v1,${createHmac('sha256', this.#key).update(`${id}.${stamp}.`).update(body).digest('base64')}`;
  }

  headers(body, stamp = Math.floor(Date.now() / 1000)) {
    const id = `msg_${randomUUID()}`;
    const signature = this.mac(id, stamp, body);
    return { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': String(stamp), 'webhook-signature': signature };
  }

  /** Whether a request is Relevo's. */
  knows({ 'webhook-id': id, 'webhook-timestamp': stamp, 'webhook-signature': given = '' }, body) {
    if (!id || !(Math.abs(Date.now() / 1000 - Number(stamp)) <= TOLERANCE)) return false;
    const wanted = Buffer.from(this.mac(id, stamp, body));
    // During a change of secrets there are several signatures.
    return given.split(' ').map(Buffer.from).some((one) => one.length === wanted.length && timingSafeEqual(one, wanted));
  }
}

/** The bot's server, to be told to listen. `told` hears what became of later answers. */
export function bot({ secret, relevo = 'http://127.0.0.1:7007', name = 'parcels', told = console.log }) {
  const signer = new Signer(secret);
  const answered = new Map();

  async function later(turn, make) {
    const body = JSON.stringify({ id: `answer-${turn.turn}`, ...(await make()) });
    const headers = { ...signer.headers(body), authorization: `Bearer ${turn.epoch_token}` };
    const { status } = await fetch(`${relevo}/bots/${name}/replies`, { method: 'POST', headers, body });
    told(status === 409 ? 'a person has taken over' : status === 200 ? 'accepted' : `refused with HTTP ${status}`);
  }

  function once(id, turn) {
    if (!answered.has(id)) {
      const made = answer(turn);
      answered.set(id, made);
      if (answered.size > REMEMBERED) answered.delete(answered.keys().next().value);
      if (typeof made === 'function') later(turn, made).catch((error) => told(`Relevo cannot be reached: ${error.message}`));
    }
    return answered.get(id);
  }

  return createServer(async (request, response) => {
    const reply = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body));
    const chunks = [];
    let size = 0;
    for await (const chunk of request) {
      size += chunk.length;
      if (size > LARGEST_BODY) return reply(413, { error: `more than ${LARGEST_BODY} bytes` });
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks);
    if (!signer.knows(request.headers, body)) return reply(401, { error: 'not signed by Relevo, or too long ago' });
    let turn;
    try {
      turn = JSON.parse(body);
    } catch {
      return reply(400, { error: 'not JSON' });
    }
    const made = once(request.headers['webhook-id'], turn);
    return typeof made === 'function' ? reply(202) : reply(200, made);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const port = Number(process.env.PORT ?? 9000);
    bot({ secret: process.env.RELEVO_SECRET, relevo: process.env.RELEVO_URL }).listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}/`));
  } catch (error) {
    console.error(`cannot start: ${error.message}`);
    process.exitCode = 1;
  }
}
