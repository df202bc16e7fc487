// Turns a `ScriptChannel` (core/src/spec/transport.ts) into a channel table for the native side.

/** `CODE: message`, the form in which errors cross, as an error with a code. */
function errorOf(text) {
  const [, code = 'TRANSPORT_ABORTED', message = text] = /^([A-Z][A-Z0-9_]*): (.*)$/s.exec(text) ?? [];
  return Object.assign(new Error(message), { code });
}

const messageOf = (thrown) => (thrown instanceof Error ? thrown.message : String(thrown));

/** `native`: the loaded addon. The handle's `table` is valid until `close`, which does not close `channel`. */
export function bindScriptChannel(native, channel) {
  let handle;
  const end = (thrown) => handle.end(String(thrown?.code ?? 'TRANSPORT_PEER_LOST'), messageOf(thrown));

  async function send(operation, tag, bytes) {
    try {
      await channel.send(tag, bytes);
      handle.sent(operation);
    } catch (thrown) {
      end(thrown);
    }
  }

  /** Called in the order of the native side; what throws here would end the process. */
  function dispatch(call, operation, tag, content) {
    try {
      // What the native side could not turn into an argument.
      if (content instanceof Error) throw content;
      if (call === 'send') return void send(operation, tag, content);
      channel.abort(errorOf(content));
    } catch (thrown) {
      end(thrown);
    }
  }

  handle = native.createScriptChannel(channel.peer, channel.largestMessageBytes, dispatch);
  try {
    channel.open({ message: (tag, bytes) => handle.deliver(tag, bytes), end });
  } catch (thrown) {
    handle.close();
    throw thrown;
  }
  return handle;
}
