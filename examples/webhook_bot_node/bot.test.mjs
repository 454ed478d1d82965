// The bot over real HTTP, with a server in Relevo's place for answers that come later.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { LARGEST_BODY, Signer, bot } from './bot.mjs';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const signer = new Signer(secret);

function turn(text, payload = null, language = 'en') {
  return { type: 'turn', turn: 't1', epoch_token: 'token-of-t1', conversation: { id: 'c1', language }, message: { id: 'm1', text, payload } };
}

/** A bot and a Relevo that takes later answers with `status`. */
async function start(t, status = 200) {
  const answers = [];
  const relevo = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    answers.push({ path: request.url, headers: request.headers, body });
    response.writeHead(status).end();
  });
  const outcomes = [];
  const waiting = [];
  const told = (outcome) => (waiting.length ? waiting.shift()(outcome) : outcomes.push(outcome));
  const outcome = () => new Promise((resolve) => (outcomes.length ? resolve(outcomes.shift()) : waiting.push(resolve)));
  const listen = async (server) => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => (server.closeAllConnections(), server.close()));
    return `http://127.0.0.1:${server.address().port}`;
  };
  const address = await listen(bot({ secret, relevo: await listen(relevo), told }));
  const post = (body, headers) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return fetch(address, { method: 'POST', body: text, headers: headers ?? signer.headers(text) });
  };
  return { post, answers, outcome };
}

test("a signed turn is answered in the visitor's language, with buttons", async (t) => {
  const { post } = await start(t);
  for (const [language, word] of [['es', 'Hola'], ['en', 'Hi'], ['fr', 'Hola']]) {
    const { messages } = await (await post(turn('hello', null, language))).json();
    assert.ok(messages[0].text.startsWith(word), messages[0].text);
    assert.equal(messages[0].buttons[0].payload, 'human');
  }
});

test('a wish for a person hands over with a reason and a note', async (t) => {
  const { post } = await start(t);
  const { handoff } = await (await post(turn('Talk to a person', 'human'))).json();
  assert.deepEqual(Object.keys(handoff), ['reason', 'note']);
});

test('what is not signed, signed wrongly, or signed long ago is refused', async (t) => {
  const { post } = await start(t);
  const body = JSON.stringify(turn('hello'));
  const other = new Signer(`whsec_${'A'.repeat(32)}`);
  const old = signer.headers(body, Math.floor(Date.now() / 1000) - 400);
  for (const headers of [{}, other.headers(body), old]) assert.equal((await post(body, headers)).status, 401);
  assert.equal((await post(body.replace('hello', 'jello'), signer.headers(body))).status, 401);
});

test('too large a body, and one that is not JSON, are refused', async (t) => {
  const { post } = await start(t);
  assert.equal((await post(' '.repeat(LARGEST_BODY + 1))).status, 413);
  assert.equal((await post('{')).status, 400);
});

test('a turn delivered twice is worked on once, and its later answer is signed and carries its token', async (t) => {
  const { post, answers, outcome } = await start(t);
  const body = JSON.stringify(turn('where is A-1042?'));
  const headers = signer.headers(body);
  for (let n = 0; n < 2; n += 1) assert.equal((await post(body, headers)).status, 202);
  assert.equal(await outcome(), 'accepted');
  await post(turn('A2000'));
  assert.equal(await outcome(), 'accepted');
  assert.deepEqual(answers.map((answer) => JSON.parse(answer.body).captured.order), ['A-1042', 'A-2000']);
  assert.equal(answers[0].path, '/bots/parcels/replies');
  assert.equal(answers[0].headers.authorization, 'Bearer token-of-t1');
  assert.ok(signer.knows(answers[0].headers, answers[0].body));
});

test('a bot that is too late is told and stops', async (t) => {
  const { post, outcome } = await start(t, 409);
  await post(turn('A-1042'));
  assert.equal(await outcome(), 'a person has taken over');
});

test('a secret that is none is said so', () => {
  for (const bad of [undefined, 'abc', 'whsec_%%%']) assert.throws(() => bot({ secret: bad }), /whsec_/);
});
