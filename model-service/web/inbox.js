// Asks every other second for messages the page does not have yet and puts them on top. What is
// already shown stays as it is, so that nothing flickers and unfolded texts stay unfolded.
'use strict';

const body = document.body;
const messages = document.getElementById('messages');
const PERIOD_MS = 2000;
// Messages left in the page; the server shows as many after a reload.
const SHOWN = 200;

function show(news) {
  if (news.generation !== body.dataset.generation) {
    location.reload();
    return;
  }
  body.classList.remove('offline');
  document.getElementById('kept').textContent = news.kept;
  if (news.html === '') return;
  body.dataset.last = news.last;
  body.classList.replace('empty', 'filled');
  messages.insertAdjacentHTML('afterbegin', news.html);
  while (messages.childElementCount > SHOWN) messages.lastElementChild.remove();
  if (document.hidden) document.title = '\u25cf Slack inbox';
}

async function poll() {
  try {
    const answer = await fetch('/news?since=' + body.dataset.last);
    if (!answer.ok) throw new Error(answer.status);
    show(await answer.json());
  } catch (error) {
    body.classList.add('offline');
  }
  setTimeout(poll, PERIOD_MS);
}

const clear = document.getElementById('clear');
clear.hidden = false;
clear.addEventListener('click', async () => {
  await fetch('/messages/clear', {method: 'POST'});
  location.reload();
});
document.addEventListener('visibilitychange', () => {
  document.title = 'Slack inbox';
});
setTimeout(poll, PERIOD_MS);
