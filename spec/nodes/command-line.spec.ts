import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../src/base/errors.ts';
import { type CommandLine, HELP, parseCommandLine } from '../../src/nodes/command-line.ts';

const test = suite('command line');

test('options in both spellings', () => {
  const run: CommandLine = { action: 'run', file: undefined, mosquittoFile: undefined, assignments: [], json: false };
  const table: [string[], Partial<CommandLine>][] = [
    [[], {}],
    [['--set', 'a=b'], { assignments: ['a=b'] }],
    [['--set=a=b', '-s', 'c=-1'], { assignments: ['a=b', 'c=-1'] }],
    [['--config', 'x.toml'], { file: 'x.toml' }],
    [['-c', 'x.toml', '--config=y.toml'], { file: 'y.toml' }],
    [['--mosquitto-config', 'm.conf'], { mosquittoFile: 'm.conf' }],
    [['--check-config'], { action: 'check-config' }],
    [['--print-config', '--json'], { action: 'print-config', json: true }],
    [['-h', '--set', 'nonsense'], { action: 'help', assignments: ['nonsense'] }],
    [['-V'], { action: 'version' }],
  ];
  for (const [argv, expected] of table) assert.equal(parseCommandLine(argv), { ...run, ...expected }, argv.join(' '));
});

test('what is not an option is refused in one line that says what is meant', () => {
  const table: [string[], RegExp][] = [
    [['--confg', 'x'], /"--confg": no such option; the nearest is --config/],
    [['-x'], /"-x": no such option/],
    [['--set'], /--set lacks its argument: key=value/],
    [['--set', '--config'], /--set lacks its argument/],
    [['--mosquitto-config'], /--mosquitto-config lacks its argument: the path of a mosquitto\.conf/],
    [['-c', 'a', '--mosquitto-config', 'b'], /--config and --mosquitto-config: there can be one of them/],
    [['--config='], /--config lacks its argument: the path/],
    [['--help=1'], /--help="1": this option takes no value/],
    [['mqtt.tcp.port=1'], /"mqtt\.tcp\.port=1": a node takes no arguments/],
    [['--__proto__'], /no such option/],
    [['--toString'], /no such option/],
  ];
  for (const [argv, message] of table) {
    try {
      parseCommandLine(argv);
      assert.unreachable(argv.join(' '));
    } catch (error) {
      assert.instance(error, SluiceError);
      assert.is((error as SluiceError).code, 'SLUICE_NODE_USAGE');
      assert.match((error as SluiceError).message, message);
    }
  }
});

test('any arguments give a command line or a coded error', () => {
  const word = fc.oneof(
    fc.string(),
    fc.string().map((text) => `--${text}`),
    fc.constantFrom('--set', '-s', '--', '-c', '--json', '--no-json'),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), (argv) => {
      try {
        parseCommandLine(argv);
      } catch (error) {
        assert.instance(error, SluiceError, String(error));
        assert.match((error as SluiceError).message, /^[^\n\r]*$/);
      }
    }),
    { numRuns: 1000 },
  );
});

test('the help names every option', () => {
  for (const option of ['--config', '--set', '--check-config', '--print-config', '--json', '--version', '--help'])
    assert.ok(HELP.includes(option), option);
});

test.run();
