import { type ModelConfig, rotaryFrequencies, rotaryParameters } from '@shoal/core';
import t from 'tap';

/** Values of transformers 5.23 for heads of 16 columns. */
const expected: readonly (readonly [string, Record<string, unknown>, number, readonly number[], number])[] = [
  [
    'default',
    { rope_theta: 500_000 },
    128,
    [1, 0.193922758, 0.0376060307, 0.00729266508, 0.00141421345, 0.000274248188, 5.31829573e-5, 1.03133852e-5],
    1,
  ],
  [
    'linear',
    { factor: 4 },
    128,
    [0.25, 0.079056941, 0.0250000004, 0.00790569466, 0.00249999994, 0.000790569466, 0.000250000012, 7.90569466e-5],
    1,
  ],
  [
    'llama3',
    { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 },
    128,
    [1, 0.244384587, 0.0130422562, 0.00395284733, 0.00124999997, 0.000395284733, 0.000125000006, 3.95284733e-5],
    1,
  ],
  [
    'yarn',
    { factor: 4, original_max_position_embeddings: 64 },
    256,
    [1, 0.237170815, 0.049999997, 0.00790569466, 0.00249999994, 0.000790569466, 0.000250000012, 7.90569466e-5],
    1.138629436111989,
  ],
  [
    'yarn',
    {
      factor: 4,
      original_max_position_embeddings: 64,
      truncate: false,
      mscale: 0.7,
      mscale_all_dim: 1,
      beta_fast: 16,
      beta_slow: 2,
    },
    256,
    [1, 0.14849025, 0.0250000004, 0.00790569466, 0.00249999994, 0.000790569466, 0.000250000012, 7.90569466e-5],
    0.9634746568860826,
  ],
];

for (const [type, fields, positions, frequencies, magnitude] of expected) {
  t.test(`${type} ${JSON.stringify(fields)} in both spellings`, async (test) => {
    const base = (fields.rope_theta as number | undefined) ?? 10_000;
    const spellings: readonly ModelConfig[] = [
      { rope_parameters: { rope_type: type, rope_theta: base, ...fields } },
      { rope_scaling: { type, ...fields }, rope_theta: base },
    ];
    for (const config of spellings) {
      const result = rotaryFrequencies(rotaryParameters(config), 16, positions);
      const worst = Math.max(...result.inverseFrequencies.map((x, i) => Math.abs(x / (frequencies[i] as number) - 1)));
      test.ok(worst < 1e-6, `relative difference ${worst}`);
      test.ok(Math.abs(result.magnitude - magnitude) < 1e-12);
    }
  });
}

t.test('dynamic scaling takes its base from the longest sequence to be served', async (test) => {
  const parameters = rotaryParameters({ rope_parameters: { rope_type: 'dynamic', factor: 2, rope_theta: 10_000 } });
  const short = rotaryFrequencies(parameters, 16, 128, 100).inverseFrequencies;
  test.ok(Math.abs((short[1] as number) / 0.316227764 - 1) < 1e-6, 'as trained up to the positions it was trained for');
  const long = rotaryFrequencies(parameters, 16, 128, 300).inverseFrequencies;
  for (const [i, x] of [
    1, 0.262445003, 0.0688773692, 0.0180765223, 0.004744092, 0.00124506326, 0.000326760637, 8.57566847e-5,
  ].entries()) {
    test.ok(Math.abs((long[i] as number) / x - 1) < 1e-6);
  }
});

t.test('no scaling is the default type; null counts as absent', async (test) => {
  test.equal(rotaryParameters({ rope_scaling: null }).type, 'default');
  test.equal(rotaryParameters({}, 500).base, 500);
});

t.test('broken parameters are named', async (test) => {
  const attempt = (config: ModelConfig) => () => rotaryFrequencies(rotaryParameters(config), 16, 128);
  const code = 'MODEL_CONFIG_INVALID';
  test.throws(attempt({ rope_parameters: { rope_type: 'llama3', factor: 8 } }), { code, message: /low_freq_factor/ });
  test.throws(attempt({ rope_parameters: { rope_type: 'spiral' } }), {
    code,
    message: /'spiral' is not supported.*yarn/,
  });
  test.throws(attempt({ rope_theta: '1e4' }), { code, message: /rope_theta/ });
});
