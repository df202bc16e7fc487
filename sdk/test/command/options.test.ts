import { PassThrough } from 'node:stream';
import { parseTemplateVariables } from 'shoal/internal/command/answer-rules.js';
import { optionsOf } from 'shoal/internal/command/command.js';
import { findCommand } from 'shoal/internal/command/find-command.js';
import { parseGenerationOptions } from 'shoal/internal/command/generation.js';
import { printCommandHelp, printOverview } from 'shoal/internal/command/help.js';
import { parseCommandLine } from 'shoal/internal/command/options.js';
import { loadCommands } from 'shoal/internal/command/registry.js';
import { parseLoadOptions } from 'shoal/internal/command/session.js';
import { Terminal } from 'shoal/internal/command/terminal.js';
import t from 'tap';

const commands = await loadCommands();

const parse = (line: string) => {
  const [name = '', ...words] = line.split(' ');
  return parseCommandLine(findCommand(commands, name), words);
};

t.test('options and arguments are taken apart', async (t) => {
  const { positionals, options } = parse('run ./model what is --storage=q8_0 12 --stop a --stop b --seed 7 -q');
  t.same(positionals, ['./model', 'what', 'is', '12']);
  t.equal(options.text('storage'), 'q8_0');
  t.same(options.list('stop'), ['a', 'b']);
  t.equal(options.number('seed'), 7);
  t.equal(options.number('top-k'), undefined);
  t.ok(options.flag('quiet'));
  t.notOk(options.flag('json'));
  t.same(parse('run m -- --storage').positionals, ['m', '--storage'], 'all after -- are arguments');
});

t.test('options of answers, as the SDK takes them', async (t) => {
  const of = (line: string) => parseGenerationOptions(parse(`run m p ${line}`).options);
  t.same(of(''), {}, 'what is not given is left to the model');
  t.same(of('--logit-bias 5=-100 --logit-bias=7=.5 --logit-bias 5=+3'), { logitBias: { 5: 3, 7: 0.5 } });
  t.same(of('--stop-token 0 --stop-token 9 --allowed-tokens 3,4'), { stopTokens: [0, 9], allowedTokens: [3, 4] });
  t.same(of('--choices 2 --ignore-end-of-text --ignore-model-defaults --parse-special-tokens'), {
    choices: 2,
    ignoreEndOfText: true,
    ignoreModelDefaults: true,
    parseSpecialTokens: true,
  });
  t.same(of('--queue-timeout 1.5'), { queueTimeoutMilliseconds: 1500 });
  t.same(parseLoadOptions(parse('run m p --queue-capacity 0').options), { queueCapacity: 0 });
});

t.test('what an answer may be: a schema, an expression, a grammar', async (t) => {
  const folder = t.testdir({ 'schema.json': '{"type":"integer"}', 'broken.json': '{', 'yes.lark': 'start: "yes"' });
  const of = (...words: string[]) => {
    const { options } = parseCommandLine(findCommand(commands, 'run'), ['m', 'p', ...words]);
    return parseGenerationOptions(options).constraint;
  };
  t.equal(of(), undefined);
  t.same(of('--json-schema', '{"type":"object"}'), { kind: 'json-schema', specification: '{"type":"object"}' });
  t.same(of('--json-schema', `${folder}/schema.json`), { kind: 'json-schema', specification: '{"type":"integer"}' });
  t.same(of('--regex', '[0-9]+'), { kind: 'regex', specification: '[0-9]+' });
  t.same(of('--grammar', `${folder}/yes.lark`), { kind: 'lark', specification: 'start: "yes"' });
  for (const [words, message] of [
    [['--json-schema', '{"type":'], /--json-schema is not JSON: /],
    [['--json-schema', `${folder}/broken.json`], /--json-schema .*broken\.json is not JSON/],
    [['--json-schema', `${folder}/none.json`], /--json-schema .*none\.json cannot be read: there is no such file/],
    [['--grammar', folder], /--grammar .* cannot be read: /],
    [['--regex', 'a', '--allowed-tokens', '1'], /--regex and --allowed-tokens cannot both/],
  ] as const) {
    t.throws(() => of(...words), { code: 'ARGUMENT_INVALID', message }, words.join(' '));
  }
});

t.test('variables of a template', async (t) => {
  const of = (line: string) => parseTemplateVariables(parse(`chat m${line}`).options);
  t.same(of(''), {});
  t.same(of(' --template-variable enable_thinking=false --template-variable date=today --template-variable n=1'), {
    templateVariables: { enable_thinking: false, date: 'today', n: 1 },
  });
  t.throws(() => of(' --template-variable thinking'), { message: /wants NAME=VALUE as in enable_thinking=false/ });
});

t.test('what is wrong is named, with what is legal', async (t) => {
  for (const [line, message] of [
    ['rnu', /there is no command "rnu"; did you mean run\?/],
    ['frobnicate', /there is no command "frobnicate"; there are run, chat/],
    ['--storage q4_0', /the option --storage needs a command before it/],
    ['run --storge q4_0', /no option --storge; did you mean --storage\? \(see `shoal run --help`\)/],
    ['run -x', /no option -x \(see/],
    ['run m p --storage q40', /--storage wants one of f32, .*, not "q40"; did you mean q4_0\?/],
    ['run m p --storage', /--storage wants a value TYPE: one of f32/],
    ['run m p --plan --json', /--plan wants a value SHAPE/],
    ['run m p --plan pp=x', /plan shape "pp=x" cannot be read/],
    ['run m p --max-tokens many', /--max-tokens wants a whole number from 1, not "many"/],
    ['run m p --max-tokens 1.5', /--max-tokens wants a whole number from 1, not "1.5"/],
    ['run m p --temperature -1', /--temperature wants a number from 0, not "-1"/],
    ['run m p --choices 0', /--choices wants a whole number from 1 to 128, not "0"/],
    ['run m p --stop-token -1', /--stop-token wants a whole number from 0 to 4294967295, not "-1"/],
    ['run m p --allowed-tokens 1,,2', /--allowed-tokens wants whole numbers from 0 to 4294967295 with commas/],
    ['run m p --logit-bias 42', /--logit-bias wants ID=BIAS, a bias from -100 to 100 as in 42=-5, not "42"/],
    ['run m p --logit-bias 42=-100.5', /--logit-bias wants ID=BIAS/],
    ['run m p --logit-bias 4294967296=1', /--logit-bias wants ID=BIAS/],
    ['run m p --queue-capacity -1', /--queue-capacity wants a whole number from 0 to 1000000, not "-1"/],
    ['chat m --choices 2', /no option --choices/],
    ['run m p --top-p 1.1', /--top-p wants a number from 0 to 1, not "1.1"/],
    ['run', /MODEL is missing/],
    ['doctor more', /"more" is one argument too many; it takes no arguments/],
    ['doctor --quiet=1', /--quiet takes no value/],
  ] as const) {
    t.throws(() => parse(line), { code: 'ARGUMENT_INVALID', message }, line);
  }
});

/** Text of a page in a window of this width. */
function page(columns: number, print: (terminal: Terminal) => void): string[] {
  const output = Object.assign(new PassThrough(), { columns });
  print(new Terminal({ output, environment: {} }));
  return (output.read() as Buffer).toString().split('\n');
}

t.test('every command explains all that it takes, and fits narrow windows', async (t) => {
  const names = commands.map(({ name }) => name);
  t.equal(new Set(names).size, names.length, 'names are unique');
  for (const command of commands) {
    const lines = page(60, (terminal) => printCommandHelp(terminal, command));
    const text = lines.join('\n');
    t.match(text, `shoal ${command.name}`);
    t.ok(command.examples.length > 0, `${command.name} has examples`);
    for (const { name } of optionsOf(command)) t.match(text, `--${name}`, `${command.name} explains --${name}`);
    for (const { name } of command.arguments) t.match(text, name, `${command.name} explains ${name}`);
    for (const part of ['Exit codes', 'Environment', 'SHOAL_HOME', '--json']) {
      t.match(text, part, `${command.name}: ${part}`);
    }
    t.same(
      lines.filter((line) => line.length > 60 && !line.startsWith('  shoal ')),
      [],
      `${command.name} fits 60 columns`,
    );
  }
});

t.test('examples are command lines that parse', async (t) => {
  for (const command of commands) {
    for (const [example] of command.examples) {
      const words = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
      const end = words.findIndex((word) => ['|', '>', '<'].includes(word) || word.startsWith('<('));
      const [program, name = '', ...rest] = end < 0 ? words : words.slice(0, end);
      if (program !== 'shoal') continue;
      t.doesNotThrow(() => parseCommandLine(findCommand(commands, name), rest), example);
    }
  }
});

t.test('the first page names every command', async (t) => {
  const text = page(80, (terminal) => printOverview(terminal, commands)).join('\n');
  for (const { name, summary } of commands) t.match(text.replaceAll(/\n +/g, ' '), summary, name);
});
