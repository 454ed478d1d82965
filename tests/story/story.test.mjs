// The whole story, in real Chromium against the real server: a visitor talks to a bot, people take over, the Copilot
// briefs them, and then the server is killed in the middle of a burst.
//
// covers: H01 H02 H03 H04 H05 H07 H08 H09 H15 H18 T01 T02 T06 T10 S01 A01 A02 I01 I02 F01 F02 V01 B02
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Deployment } from './deployment.mjs';
import { SlowBot } from './bot.mjs';
import { Browser } from './browser.mjs';

/** One pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

let bot;
let relevo;
let browser;

before(async () => {
  bot = await SlowBot.start();
  relevo = await Deployment.start(bot);
  browser = await Browser.start(relevo.address);
});

after(async () => {
  await browser?.close();
  await relevo?.stop();
  await bot?.stop();
});

test('a conversation is handed over, answered, summarised, handed back and finished; kill -9 loses nothing', async (t) => {
  const visitor = await browser.visitor();
  const lucia = await browser.agent('lucia@example.com', relevo.password);
  const rui = await browser.agent('rui@example.com', relevo.password);
  let id;
  let broken = false;

  /** One step of the story. Once one has failed, those after it have nothing to stand on. */
  const step = (name, act) =>
    t.test(name, { skip: broken && 'an earlier step failed' }, async () => {
      broken = true;
      try {
        await act();
      } catch (error) {
        t.diagnostic(`what people saw: ${await browser.pictures()}`);
        throw error;
      }
      broken = false;
    });

  await step('the bot answers on the shop page', async () => {
    await visitor.say('hola');
    await visitor.sees('Hola, soy el bot de la tienda');
  });

  await step('the visitor asks for a human and the conversation waits unassigned with its brief', async () => {
    await visitor.say('mi pedido A-1042 llegó roto y quiero hablar con una persona');
    id = await lucia.finds('A-1042');
    await rui.opens(id);
    await lucia.opens(id);
    await lucia.tab('summary');
    await lucia.seesInTab('A-1042');
  });

  await step('two agents press take over at once: one wins, the other is told who', async () => {
    // Each press is held at the door until the other has arrived too: neither screen has heard of the other's yet.
    const together = await browser.holdTakeovers(2);
    await lucia.pressesTake();
    await rui.pressesTake();
    await together();
    const winners = await Promise.all([lucia.holds(), rui.holds()]);
    assert.deepEqual(winners.filter(Boolean).length, 1, 'exactly one holds it');
  });

  const [assignee, other] = (await lucia.holds()) ? [lucia, rui] : [rui, lucia];

  await step('a reply that was in flight is shown as suppressed and never reaches the visitor', async () => {
    await assignee.handsBack();
    const held = bot.holdNext();
    await visitor.say('¿sigue ahí el bot?');
    const turn = await held;
    await assignee.takes();
    assert.equal(await bot.reply(relevo.address, turn, 'RESPUESTA TARDÍA'), 409, 'the bot is told that it is too late');
    await assignee.seesSuppressed('RESPUESTA TARDÍA');
    await assignee.says('Hola, ya estoy contigo.');
    await visitor.sees('ya estoy contigo');
    assert.equal(await visitor.hasSeen('RESPUESTA TARDÍA'), false);
  });

  await step('a shortcut is rendered, the visitor sees it, the agent sees "read"', async () => {
    const text = await assignee.usesShortcut('greeting');
    await visitor.sees(text.slice(0, 20));
    await assignee.seesRead(text.slice(0, 20));
  });

  await step('a private note stays private', async () => {
    await assignee.notes('NOTA-PRIVADA: cliente importante');
    await other.sees('NOTA-PRIVADA');
    await assignee.says('Un momento, por favor.');
    await visitor.sees('Un momento, por favor.');
    assert.equal(await visitor.hasSeen('NOTA-PRIVADA'), false);
  });

  await step('a picture goes one way and a file the other', async () => {
    await visitor.attaches('roto.png', PIXEL, 'Así llegó');
    await assignee.seesPicture('roto.png');
    await assignee.attaches('garantía.pdf', '%PDF-1.7 garantía', 'Te dejo la garantía');
    assert.equal(await visitor.saves('garantía.pdf'), '%PDF-1.7 garantía');
  });

  await step('a streamed summary lands on the AI summary tab', async () => {
    await assignee.summarises();
    await assignee.seesInTab('A-1042');
  });

  await step('a suggestion is inserted and sent', async () => {
    const question = 'Quiero una devolución: ¿cuántos días tengo para devolver el pedido?';
    await visitor.say(question);
    await assignee.sees(question);
    const text = await assignee.insertsSuggestion();
    await assignee.sends();
    await visitor.sees(text.slice(0, 20));
  });

  await step('transfer, hand back to the bot, finish with an outcome', async () => {
    await assignee.transfersTo(other.name);
    await other.waitsToHold();
    await other.handsBack();
    await visitor.say('otra pregunta');
    await visitor.sees('Dijiste: otra pregunta');
    await other.takes();
    await other.closes('success');
    await visitor.seesWho('closed');
  });

  await step('after a reload everything is still there', async () => {
    await other.reloads(id);
    for (const text of ['RESPUESTA TARDÍA', 'NOTA-PRIVADA', 'otra pregunta']) await other.sees(text);
    await visitor.reloads();
    await visitor.sees('otra pregunta');
    assert.equal(await visitor.hasSeen('NOTA-PRIVADA'), false);
  });

  await step('killed in the middle of a burst and started again, both pages resume, nothing lost or doubled', async () => {
    const sent = Array.from({ length: 30 }, (_, n) => `ráfaga ${String(n).padStart(2, '0')}`);
    for (const [n, text] of sent.entries()) {
      await visitor.types(text);
      if (n === 14) await relevo.kill();
    }
    await relevo.restart();
    await visitor.sees(sent.at(-1));
    await other.opens(id);
    await other.sees(sent.at(-1));
    await other.looksBackTo(sent[0]);
    for (const text of sent) {
      assert.equal(await visitor.count(text), 1, `the visitor sees "${text}" once`);
      assert.equal(await other.count(text), 1, `the agent sees "${text}" once`);
    }
  });
});
