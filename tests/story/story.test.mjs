// The whole story, in real Chromium against the real server: a visitor talks to a bot, people take over, the Copilot
// briefs them, and then the server is killed in the middle of a burst. Then the same main acts on other screens: in the
// other languages, dark, and as narrow as a phone.
//
// covers: H01 H02 H03 H04 H05 H07 H08 H09 H15 H18 T01 T02 T06 T10 S01 A01 A02 A03 A04 A11 I01 I02 F01 F02 V01 B02
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe } from './axe.mjs';
import { Deployment } from './deployment.mjs';
import { SlowBot } from './bot.mjs';
import { Browser } from './browser.mjs';
import { ScriptedModel } from './model.mjs';
import { SCREENS, fits, reachable, speaks, wears } from './screens.mjs';

/** One pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

let bot;
let model;
let relevo;
let browser;

before(async () => {
  bot = await SlowBot.start();
  model = await ScriptedModel.start();
  relevo = await Deployment.start(bot, model);
  browser = await Browser.start(relevo.address);
});

after(async () => {
  await browser?.close();
  await relevo?.stop();
  await model?.stop();
  await bot?.stop();
});

/** One step of a story after the other. Once one has failed, those after it have nothing to stand on. */
function steps(t) {
  let broken = false;
  return (name, act) =>
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
}

test('a conversation is handed over, answered, summarised, handed back and finished; kill -9 loses nothing', async (t) => {
  const visitor = await browser.visitor();
  const lucia = await browser.agent('lucia@example.com', relevo.password);
  const rui = await browser.agent('rui@example.com', relevo.password);
  const step = steps(t);
  let id;

  await step('the bot answers on the shop page', async () => {
    await visitor.say('hola');
    await visitor.sees('Hola, soy el bot de la tienda');
  });

  await step('the visitor asks for a human and the conversation waits unassigned with its brief', async () => {
    model.answersNext('Pide ayuda por el pedido A-1042.\n---\nissue: el pedido A-1042 llegó roto');
    await visitor.say('mi pedido A-1042 llegó roto y quiero hablar con una persona');
    id = await lucia.finds('A-1042');
    await rui.opens(id);
    await lucia.opens(id);
    await lucia.seesInTab('el pedido A-1042 llegó roto');
  });

  await step('two agents press take over at once: one wins, the other is told who', async () => {
    // Each press is held at the door until the other has arrived too: neither screen has heard of the other's yet.
    const together = await browser.holdTakeovers(2);
    await lucia.pressesTake();
    await rui.pressesTake();
    await together();
    const winners = await Promise.all([lucia.holds(), rui.holds()]);
    assert.deepEqual(winners.filter(Boolean).length, 1, 'exactly one holds it');
    const [winner, loser] = winners[0] ? [lucia, rui] : [rui, lucia];
    await loser.isTold(winner.name);
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
    const held = model.holdNext();
    await assignee.asksForSummary();
    const answer = await held;
    answer.writes('La visitante recibió el pedido roto y mandó una fotografía. ');
    await assignee.summary('running').getByText('mandó una fotografía').waitFor();
    assert.equal(await assignee.hasSeen('El equipo le mandó la garantía'), false, 'the second piece is not written yet');
    answer.writes('El equipo le mandó la garantía.').ends();
    await assignee.summary('done').getByText(/mandó una fotografía\. El equipo le mandó la garantía\./).waitFor();
  });

  await step('a draft is rewritten: a value that was lost is told, and undo brings the draft back', async () => {
    const draft = 'hola, tu pedido A-1042 sale el lunes por 20 euros';
    await assignee.writes(draft);
    model.answersNext('¡Hola! Con gusto: tu pedido sale el lunes por 20 euros.');
    await assignee.rewrites('friendlier');
    const warned = assignee.button('ghost').getByTestId('warnings');
    await warned.getByText('A-1042').waitFor();
    assert.equal(await warned.getByText('20').count(), 0, 'what was kept is not warned of');
    await assignee.takesIt();
    assert.equal(await assignee.written(), '¡Hola! Con gusto: tu pedido sale el lunes por 20 euros.');
    await assignee.undoesTheRewriting();
    assert.equal(await assignee.written(), draft);
    await assignee.writes('');
  });

  await step('a question is answered, and its source leads to the message', async () => {
    const seq = await assignee.seqOf('mi pedido A-1042 llegó roto');
    model.answersNext(`El pedido es el A-1042 [#${seq}].`);
    const answer = await assignee.asks('¿Cuál es el pedido?');
    await answer.getByText('El pedido es el A-1042').waitFor();
    await answer.getByTestId('source-1').click();
    await assignee.isLedTo('mi pedido A-1042 llegó roto');
  });

  await step('the model goes away: the Copilot goes on offline, and a suggestion is inserted and sent', async () => {
    await model.stop();
    const question = 'Quiero una devolución: ¿cuántos días tengo para devolver el pedido?';
    await visitor.say(question);
    await assignee.sees(question);
    const text = await assignee.insertsSuggestion();
    await assignee.sends();
    await visitor.sees(text.slice(0, 20));
  });

  await step('what became of it is in the report, for those who lead', async () => {
    const id = await rui.conversation();
    await rui.presses('g', 'r');
    await rui.button('reports').waitFor();
    const rewritings = rui.button('report-tasks');
    await rewritings.getByTestId('as-table').click();
    const row = rewritings.getByRole('row').filter({ hasText: 'Reescrituras' });
    await row.getByText('100', { exact: false }).first().waitFor();
    await rui.opens(id);
    assert.equal(await rui.button('nav-reports').count(), 1);
    assert.equal(await lucia.button('nav-reports').count(), 0, 'an agent does not lead');
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
    await other.reloads();
    for (const text of ['RESPUESTA TARDÍA', 'NOTA-PRIVADA', 'otra pregunta']) await other.sees(text);
    await other.seesMilestone('closed', 'Resuelta');
    await other.seesRead('Te dejo la garantía');
    await other.seesSuppressed('RESPUESTA TARDÍA');
    await other.tab('summary');
    await other.summary('done').getByText('El equipo le mandó la garantía').waitFor();
    await visitor.reloads();
    await visitor.sees('otra pregunta');
    await visitor.seesWho('closed');
    for (const hidden of ['NOTA-PRIVADA', 'RESPUESTA TARDÍA']) assert.equal(await visitor.hasSeen(hidden), false);
  });

  await step('killed in the middle of a burst and started again, both pages resume, nothing lost or doubled', async () => {
    await visitor.say('me queda una duda');
    await other.sees('me queda una duda');
    await other.takes();
    await visitor.seesWho('human');
    const people = [visitor, other];
    for (const person of people) await person.staysOnThisPage();

    const sent = Array.from({ length: 30 }, (_, n) => `ráfaga ${String(n).padStart(2, '0')}`);
    for (const [n, text] of sent.entries()) {
      await visitor.types(text);
      if (n === 14) await relevo.kill();
    }
    for (const person of people) await person.seesReconnecting();
    await other.says('sigo aquí');
    await relevo.restart();

    for (const person of people) await person.seesTheLineIsBack();
    await other.sees(sent.at(-1));
    await visitor.sees('sigo aquí');
    const once = async (person, whose) => {
      assert.deepEqual(await person.reads(/ráfaga \d\d/g), sent, `each of the burst once, in its order, ${whose}`);
      assert.deepEqual(await person.reads(/sigo aquí/g), ['sigo aquí'], `the answer once, ${whose}`);
    };
    await once(visitor, "on the visitor's page");
    await once(other, "on the agent's page");
    for (const person of people) assert.ok(await person.stayed(), 'the page caught up by itself');

    for (const person of people) await person.reloads();
    for (const person of people) await person.sees(sent.at(-1));
    await once(visitor, 'on disk, as the visitor reads it');
    await once(other, 'on disk, as the agent reads it');
  });
});

test('the main acts work in every language, light and dark, wide and narrow', async (t) => {
  const step = steps(t);
  for (const screen of SCREENS) {
    const name = `${screen.language}, ${screen.theme}, ${screen.width} px`;
    let visitor;
    let agent;

    await step(`${name}: a visitor asks for a person`, async () => {
      visitor = await browser.visitor(screen);
      await visitor.say('hola');
      await visitor.sees('Hola, soy el bot');
      await looksGood(visitor.page, screen, 'widget');
      await visitor.asksForPerson();
      await visitor.seesWho('queue');
      await visitor.say(`ayuda ${name}`);
      await looksGood(visitor.page, screen, 'widget');
    });

    await step(`${name}: an agent signs in and takes over`, async () => {
      const beforeSignIn = (page) => looksGood(page, screen, 'inbox');
      // Who leads sees every page.
      agent = await browser.agent('rui@example.com', relevo.password, screen, beforeSignIn);
      await looksGood(agent.page, screen, 'inbox');
      await agent.picks(`ayuda ${name}`);
      await agent.pressesTake();
      await agent.waitsToHold();
      await looksGood(agent.page, screen, 'inbox');
      for (const act of ['mode-reply', 'mode-note', 'composer', 'suggest', 'summarise', 'close', 'more'])
        await reachable(agent.button(act));
    });

    await step(`${name}: the Copilot rewrites and answers, without a model`, async () => {
      await agent.writes('hola ,tu pedido AB-48213 sale manana');
      await agent.rewrites('corrected');
      await looksGood(agent.page, screen, 'inbox');
      await agent.takesIt();
      await agent.button('rewrite-undo').waitFor();
      await looksGood(agent.page, screen, 'inbox');
      await agent.undoesTheRewriting();
      assert.equal(await agent.written(), 'hola ,tu pedido AB-48213 sale manana');
      await agent.looksAtTheContext();
      await agent.asks('AB-48213?');
      await looksGood(agent.page, screen, 'inbox');
      await agent.leavesTheContext();
    });

    await step(`${name}: the agent answers and finishes`, async () => {
      await agent.says(`respuesta ${name}`);
      await visitor.sees(`respuesta ${name}`);
      await looksGood(visitor.page, screen, 'widget');
      await agent.closes('success');
      await visitor.seesWho('closed');
      await looksGood(agent.page, screen, 'inbox');
    });

    await step(`${name}: visitors, shortcuts, knowledge and reports`, async () => {
      await agent.leavesTheConversation();
      for (const page of ['visitors', 'shortcuts', 'knowledge', 'reports']) {
        await agent.button(`nav-${page}`).click();
        await agent.button(page).waitFor();
        if (page === 'reports') await agent.button('tile-acceptance').waitFor();
        await looksGood(agent.page, screen, 'inbox');
      }
      for (const table of await agent.button('as-table').all()) await table.click();
      await looksGood(agent.page, screen, 'inbox');
      await agent.button('nav-knowledge').click();
      await agent.button('knowledge-add').click();
      for (const kind of ['urls', 'table', 'folder']) {
        await agent.button(`knowledge-kind-${kind}`).check();
        await looksGood(agent.page, screen, 'inbox');
      }
    });
  }
});

async function looksGood(page, screen, part) {
  await fits(page);
  await wears(page, screen.theme, part);
  await speaks(page, screen.language, part);
  assert.deepEqual(await axe(page), [], 'what shuts people out');
}
