// A real server in a folder of its own, which can be killed and started again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
const RELEVO = process.env.RELEVO_BIN ?? join(TARGET, 'debug', 'relevo');

export class Deployment {
  password = 'correct horse battery staple';
  #folder;
  #port;
  #process;

  static async start(bot, model) {
    const relevo = new Deployment();
    relevo.#folder = await mkdtemp(join(tmpdir(), 'relevo-story-'));
    relevo.#port = await freePort();
    await writeFile(join(relevo.#folder, 'relevo.toml'), relevo.#config(bot, model));
    for (const [name, role] of [['lucia', 'agent'], ['rui', 'supervisor']]) {
      const args = ['user', 'add', '--email', `${name}@example.com`, '--name', name, '--role', role, '--password-stdin'];
      await relevo.#run(args, relevo.password);
    }
    await relevo.restart();
    return relevo;
  }

  get address() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** As the power would go. */
  async kill() {
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }

  async restart() {
    this.#process = this.#spawn(['serve']);
    await ready(this.address, this.#process);
  }

  async stop() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGTERM');
      await once(this.#process, 'exit');
    }
    await rm(this.#folder, { recursive: true });
  }

  #config(bot, model) {
    return `
listen = "127.0.0.1:${this.#port}"
data = ${JSON.stringify(join(this.#folder, 'data'))}
shortcuts = ${JSON.stringify(join(ROOT, 'shortcuts'))}
prompts = ${JSON.stringify(join(ROOT, 'prompts'))}

[copilot]
endpoint = ${JSON.stringify(model.url)}
models = ["scripted"]

[[inboxes]]
id = "shop"
name = "Tienda"
bot = "slow"

[[bots]]
id = "slow"
name = "Bot de la tienda"
kind = "webhook"
url = ${JSON.stringify(bot.url)}
secret = ${JSON.stringify(bot.secret)}
allow_private = true
`;
  }

  #spawn(args) {
    const stdio = ['pipe', 'inherit', 'inherit'];
    const all = [args[0], ...args.slice(1), '--config', join(this.#folder, 'relevo.toml')];
    return spawn(RELEVO, all, { stdio, cwd: this.#folder, env: { ...process.env, RELEVO_LOG: 'warn' } });
  }

  async #run(args, input) {
    const child = this.#spawn(args);
    child.stdin.end(input);
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`relevo ${args.join(' ')} ended with ${code}`);
  }
}

/** Asks until the server says that it is ready, or has ended. */
async function ready(address, server) {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`);
    const response = await fetch(`${address}/readyz`).catch(() => null);
    if (response?.ok) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
