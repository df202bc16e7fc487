// Loading a model: what would be done and why, and doing it.
import { ask } from './connection.js';
import { byId, element, replace } from './elements.js';
import { planFacts, planReasons } from './plan.js';

function order() {
  const plan = byId('load-plan').value.trim();
  return { model: byId('load-model').value.trim(), ...(plan === '' ? {} : { plan }) };
}

/** `work` makes what is shown; meanwhile `doing` is. */
async function showing(doing, work) {
  const buttons = [...byId('load').querySelectorAll('button')];
  for (const button of buttons) button.disabled = true;
  replace(byId('outcome'), element('p', {}, doing));
  try {
    replace(byId('outcome'), await work());
  } catch (error) {
    replace(byId('outcome'), element('p', { class: 'wrong' }, error.message));
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

async function preview() {
  const { outcome } = await ask('cluster/explain', { body: order() });
  const { plan, refusal } = outcome;
  if (plan) return [element('p', {}, planFacts(plan)), planReasons(plan)];
  const reasons = element('ul', {}, ...refusal.reasons.map((reason) => element('li', {}, reason)));
  return [element('p', { class: 'wrong' }, refusal.message), reasons];
}

export function startLoading(refresh) {
  byId('load').addEventListener('submit', (event) => {
    event.preventDefault();
    void showing('Loading …', async () => {
      await ask('cluster/instances', { body: order() });
      refresh();
      return element('p', {}, 'It is loaded.');
    });
  });
  byId('preview').addEventListener('click', () => {
    if (byId('load').reportValidity()) void showing('Planning …', preview);
  });
}
