// Chat with a model of the cluster, and a picture of the cluster that keeps itself current.
import { startChat } from './chat.js';
import { startCluster } from './cluster.js';
import { onMissingKey, useKey } from './connection.js';
import { byId } from './elements.js';

/** On a phone one is seen at a time. */
function startViews() {
  const buttons = [...document.querySelectorAll('[data-show]')];
  for (const button of buttons) {
    button.addEventListener('click', () => {
      document.body.dataset.view = button.dataset.show;
      for (const one of buttons) one.setAttribute('aria-pressed', String(one === button));
    });
  }
}

function startAccess(refresh) {
  onMissingKey((wasWrong) => {
    byId('key-wrong').hidden = !wasWrong;
    if (!byId('access').open) byId('access').showModal();
  });
  byId('access-form').addEventListener('submit', (event) => {
    event.preventDefault();
    useKey(byId('key').value);
    byId('access').close();
    refresh();
  });
}

startViews();
startChat();
startAccess(startCluster());
