/** The control plane: frames of a stream in any cut, what stands in their messages, and the JSON documents in those. */
import { FrameDecoder } from '@shoal/core/internal/control/frame-codec.js';
import { messages } from '@shoal/core/internal/control/messages.js';
import * as generation from '@shoal/core/internal/node/generation-wire.js';
import * as wire from '@shoal/core/internal/node/wire.js';
import { answers } from './support.js';

const documents = [wire.planFromJson, wire.endpointsFromJson, wire.loadOptionsFromJson];

export function fuzz(data: Buffer): void {
  const choice = data[0] ?? 0;
  const rest = data.subarray(1);
  const document = documents[choice % (documents.length + 1)];
  if (document) {
    answers(['REQUEST_INVALID'], () => document(rest.toString('utf8')));
    return;
  }
  const decoder = new FrameDecoder();
  // The rest of the choice says how the stream is cut.
  const cut = 1 + (choice >> 2);
  for (let start = 0; start < rest.length; start += cut) {
    const frames = answers(['TRANSPORT_FRAME_TOO_LARGE', 'TRANSPORT_PROTOCOL'], () =>
      decoder.push(rest.subarray(start, start + cut)),
    );
    if (frames === undefined) return;
    frames.forEach(hear);
  }
}

function hear(frame: messages.Frame): void {
  const { request, response, failure } = frame;
  const codes = ['REQUEST_INVALID'] as const;
  if (request?.generate) answers(codes, () => generation.orderFromMessage(request.generate ?? {}));
  if (request?.prepare) answers(codes, () => wire.credentialsFromMessage(request.prepare?.credentials));
  if (request?.prepare) answers(codes, () => wire.planFromJson(request.prepare?.planJson));
  if (request?.load) answers(codes, () => wire.endpointsFromJson(request.load?.endpointsJson));
  if (request?.report) answers(codes, () => wire.summaryFromMessage(request.report?.instance ?? {}));
  if (response?.generate) generation.generationFromMessage(response.generate);
  if (failure) wire.failureFromMessage(failure);
  // What was read can be passed on.
  messages.Frame.encode(frame).finish();
}
