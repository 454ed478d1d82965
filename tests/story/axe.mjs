// What a machine can find of what shuts people out: all rules of axe-core.
import { createRequire } from 'node:module';

const { source } = createRequire(new URL('../../crates/relevo-inbox/ui/package.json', import.meta.url))('axe-core');

/** The violations of a page as it stands, one text for each element: rule, place, mend. Shadow trees are looked into. */
export async function axe(page) {
  // What moves has to arrive first: half faded text has no contrast. What moves for ever is not waited for.
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map((one) => one.finished));
  });
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.flat().join(' ')}: ${failureSummary}`),
  );
}
