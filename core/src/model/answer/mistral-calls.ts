/**
 * Calls as of Mistral, behind `[TOOL_CALLS]`: a JSON list of objects, or in later models `name{…}` or
 * `name[CALL_ID]…[ARGS]{…}`, with the marker before each.
 */
import { JsonCall, JsonObjectText } from './json-call.js';
import { type AnswerParser, type AnswerPieces, PieceCollector, possibleMarker } from './parts.js';

export const mistralMarkers = ['[TOOL_CALLS]', '[ARGS]', '[CALL_ID]'] as const;
const [marker, argumentsMarker, idMarker] = mistralMarkers;

export class MistralCalls implements AnswerParser {
  private readonly pieces = new PieceCollector();
  private state: 'text' | 'marked' | 'list' | 'listed' | 'name' | 'object' = 'text';
  private pending = '';
  private call = new JsonCall();
  private object = new JsonObjectText();
  private number: number | undefined;

  push(text: string): AnswerPieces {
    this.pending += text;
    while (this.pending !== '' && this.advance()) {
      // Until nothing more is certain.
    }
    return this.pieces.take();
  }

  flush(): AnswerPieces {
    if (this.state === 'listed' && this.number === undefined) this.pieces.say(this.call.raw);
    this.pieces.say(this.pending);
    this.pending = '';
    return this.pieces.take(true);
  }

  private advance(): boolean {
    switch (this.state) {
      case 'text': {
        const at = this.pending.indexOf(marker);
        const certain = at >= 0 ? at : this.pending.length - possibleMarker(this.pending, [marker]);
        this.pieces.say(this.pending.slice(0, certain));
        this.pending = this.pending.slice(certain);
        if (at < 0) return false;
        this.pending = this.pending.slice(marker.length);
        this.state = 'marked';
        return true;
      }
      case 'marked': {
        this.pending = this.pending.trimStart();
        if (this.pending === '') return false;
        this.state = this.pending.startsWith('[') ? 'list' : 'name';
        if (this.state === 'list') this.pending = this.pending.slice(1);
        return true;
      }
      case 'list': {
        const rest = this.pending.replace(/^[\s,]+/, '');
        this.pending = rest;
        if (rest === '') return false;
        if (rest.startsWith('{')) {
          this.call = new JsonCall();
          this.number = undefined;
          this.state = 'listed';
          return true;
        }
        // The end of the list, or something that is none.
        if (rest.startsWith(']')) this.pending = rest.slice(1);
        this.state = 'text';
        return true;
      }
      case 'listed':
        return this.readListed();
      case 'name':
        return this.readName();
      case 'object':
        return this.readObject();
    }
  }

  private readListed(): boolean {
    const { call } = this;
    let index = 0;
    while (index < this.pending.length && call.state === 'open') {
      call.push(this.pending[index] as string);
      index += 1;
      if (!call.isCall || call.name === undefined) continue;
      this.number ??= this.pieces.call(call.name);
      this.pieces.arguments(this.number, call.takeArguments());
    }
    this.pending = this.pending.slice(index);
    if (call.state === 'open') return false;
    if (this.number === undefined) this.pieces.say(call.raw);
    this.state = call.state === 'complete' ? 'list' : 'text';
    return true;
  }

  private readName(): boolean {
    const brace = this.pending.indexOf('{');
    if (brace < 0) return false;
    const written = this.pending.slice(0, brace);
    const name = (written.split(idMarker)[0] ?? '').split(argumentsMarker)[0]?.trim() ?? '';
    this.pending = this.pending.slice(brace);
    if (!/^[\w.-]+$/.test(name)) {
      this.pieces.say(written);
      this.state = 'text';
      return true;
    }
    this.number = this.pieces.call(name);
    this.object = new JsonObjectText();
    this.state = 'object';
    return true;
  }

  private readObject(): boolean {
    let index = 0;
    while (index < this.pending.length && this.object.state === 'open') {
      this.object.push(this.pending[index] as string);
      index += 1;
    }
    this.pieces.arguments(this.number ?? 0, this.pending.slice(0, index));
    this.pending = this.pending.slice(index);
    if (this.object.state === 'open') return false;
    this.state = 'text';
    return true;
  }
}
