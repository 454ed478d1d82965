// A language model's endpoint, as far as the Copilot speaks to it. What it writes is told beforehand; an answer can be
// written piece by piece, so that a page surely shows the first one before the last exists.
import { createServer } from 'node:http';

export class ScriptedModel {
  #server;
  #answers = [];

  static async start() {
    const model = new ScriptedModel();
    model.#server = createServer((request, response) => void model.#answer(request, response));
    await new Promise((resolve) => model.#server.listen(0, '127.0.0.1', resolve));
    return model;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/v1`;
  }

  /** The next answer, whole. */
  answersNext(text) {
    void this.holdNext().then((answer) => answer.writes(text).ends());
  }

  /** The next answer is written by the test; the promise is its beginning. */
  holdNext() {
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  /** From here on nobody answers. */
  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request, response) {
    for await (const _ of request);
    const begin = this.#answers.shift();
    if (!begin) {
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":{"message":"nothing was scripted"}}');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    begin(new Answer(response));
  }
}

class Answer {
  #response;

  constructor(response) {
    this.#response = response;
  }

  writes(text) {
    return this.#send({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] });
  }

  ends() {
    this.#send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    this.#response.end('data: [DONE]\n\n');
  }

  #send(chunk) {
    this.#response.write(`data: ${JSON.stringify({ model: 'scripted', ...chunk })}\n\n`);
    return this;
  }
}
