// Requests to the node that this page came from.

const keyName = 'shoal-api-key';
let key = sessionStorage.getItem(keyName) ?? '';
let whenKeyIsMissing = () => {};

export function useKey(given) {
  key = given;
  sessionStorage.setItem(keyName, given);
}

/** `listener` is told whether a key was given that is not one. */
export function onMissingKey(listener) {
  whenKeyIsMissing = listener;
}

/** Throws what the node says against it. */
export async function call(path, { body, ...options } = {}) {
  const used = key;
  const headers = key === '' ? {} : { authorization: `Bearer ${key}` };
  const sent =
    body === undefined
      ? { ...options, headers }
      : {
          method: 'POST',
          ...options,
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        };
  const response = await fetch(path, sent);
  if (response.ok) return response;
  // Another one may have been given meanwhile.
  if (response.status === 401 && used === key) whenKeyIsMissing(used !== '');
  const said = await response.json().catch(() => undefined);
  throw new Error(said?.error?.message ?? `The node answered with status ${response.status}.`);
}

export const ask = async (path, options) => (await call(path, options)).json();

/** The data of server-sent events, as they come. */
export async function* eventsOf(response) {
  let pending = '';
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      pending += decoder.decode(value, { stream: true });
      const events = pending.split('\n\n');
      pending = events.pop();
      for (const event of events) {
        const data = event
          .split('\n')
          .filter((line) => line.startsWith('data: '))
          .map((line) => line.slice(6))
          .join('\n');
        if (data !== '' && data !== '[DONE]') yield JSON.parse(data);
      }
    }
  } finally {
    // Who leaves the loop does not want the rest.
    reader.cancel().catch(() => {});
  }
}
