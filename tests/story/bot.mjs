// A real webhook bot. Its answers can be held back, so that a reply is surely in flight when a person takes over: it
// then answers 202 and sends the reply later, with the turn's token.
import assert from 'node:assert/strict';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

export class SlowBot {
  /** As Relevo's configuration has it. */
  secret = `whsec_${randomBytes(32).toString('base64')}`;
  #server;
  #heldTurn = null;

  static async start() {
    const bot = new SlowBot();
    bot.#server = createServer((request, response) => void bot.#answer(request, response));
    await new Promise((resolve) => bot.#server.listen(0, '127.0.0.1', resolve));
    return bot;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/`;
  }

  /** The next turn is answered with 202; the promise is that turn. */
  holdNext() {
    return new Promise((resolve) => (this.#heldTurn = resolve));
  }

  /** Sends the held turn's reply; the HTTP status that Relevo answers. */
  async reply(relevo, turn, text) {
    const body = JSON.stringify({ id: randomUUID(), messages: [{ text }] });
    const response = await fetch(`${relevo}/bots/slow/replies`, {
      method: 'POST',
      headers: { ...this.#sign(body), authorization: `Bearer ${turn.epoch_token}`, 'content-type': 'application/json' },
      body,
    });
    return response.status;
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request, response) {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { 'webhook-id': id, 'webhook-timestamp': stamp, 'webhook-signature': signature } = request.headers;
    assert.equal(signature, this.#mac(id, stamp, body), 'Relevo signs what it asks');
    const turn = JSON.parse(body);
    if (this.#heldTurn) {
      this.#heldTurn(turn);
      this.#heldTurn = null;
      response.writeHead(202).end();
      return;
    }
    const said = turn.message.text;
    const text = said === 'hola' ? 'Hola, soy el bot de la tienda.' : `Dijiste: ${said}`;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ messages: [{ text }] }));
  }

  #sign(body) {
    const id = `msg_${randomUUID()}`;
    const stamp = String(Math.floor(Date.now() / 1000));
    return { 'webhook-id': id, 'webhook-timestamp': stamp, 'webhook-signature': this.#mac(id, stamp, body) };
  }

  #mac(id, stamp, body) {
    const key = Buffer.from(this.secret.slice('whsec_'.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${stamp}.${body}`).digest('base64')}`;
  }
}
