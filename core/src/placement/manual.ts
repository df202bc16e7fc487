import { ShoalError } from '../spec/errors.js';
import type { Range } from '../spec/range.js';
import type { ManualStage } from './request.js';

type ManualMember = ManualStage['members'][number];

const examples = 'anna=0-11,ben=12-23 or anna+ben/cuda0 or anna*2+ben*1=0-15,carl=16-23';

/**
 * Parses who takes what: stages with commas between them, each `members=layers`; members with `+` between them, each
 * `node`, `node/device`, and `*share` behind either. Layers count from 0, the last one is part of them; without any, they
 * follow memory. Throws ARGUMENT_INVALID.
 */
export function parseManualStages(text: string): ManualStage[] {
  const stages = text.split(',').map((part) => {
    const [, names = '', , from, to] = /^([^=]+)(=(\d{1,6})(?:-(\d{1,6}))?)?$/.exec(part.trim()) ?? [];
    if (names === '') throw invalid(text, `"${part.trim()}" is not of the form NODE or NODE=FIRST-LAST`);
    const members = names.split('+').map((name) => parseMember(name.trim(), text));
    if (from === undefined) return { members };
    const layers: Range = [Number(from), Number(to ?? from) + 1];
    if (layers[1] <= layers[0]) throw invalid(text, `layers ${from}-${to} go backwards`);
    return { members, layers };
  });
  checkManualStages(stages, text);
  return stages;
}

/** What a program or another node may get wrong; placement says what does not suit the model. Throws ARGUMENT_INVALID. */
export function checkManualStages(stages: readonly ManualStage[], text = 'manual'): void {
  const withLayers = stages.filter(({ layers }) => layers !== undefined).length;
  if (stages.length === 0) throw invalid(text, 'it has no stages');
  if (withLayers !== 0 && withLayers !== stages.length) {
    throw invalid(text, 'either all stages say their layers, or none');
  }
  for (const { members } of stages) {
    if (members.length === 0) throw invalid(text, 'a stage has no members');
    const shares = members.filter(({ share }) => share !== undefined).length;
    if (shares !== 0 && shares !== members.length)
      throw invalid(text, 'in a stage either all members say their share, or none');
  }
}

function parseMember(text: string, whole: string): ManualMember {
  const [, node = '', device, share] = /^([^/*]+)(?:\/([^*]+))?(?:\*(\d*\.?\d+))?$/.exec(text) ?? [];
  if (node === '') throw invalid(whole, `"${text}" is not of the form NODE, NODE/DEVICE or NODE*SHARE`);
  return {
    node,
    ...(device === undefined ? {} : { device }),
    ...(share === undefined ? {} : { share: Number(share) }),
  };
}

function invalid(text: string, reason: string): ShoalError {
  const message = `The plan "${text}" cannot be read: ${reason}. Examples: ${examples}.`;
  return new ShoalError('ARGUMENT_INVALID', message, { details: { argument: 'manual', value: text } });
}
