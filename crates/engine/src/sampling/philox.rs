//! Philox 4×32-10, a counter-based generator: a number for a seed and a position, whatever was drawn before.
//!
//! Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).

const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const KEY_INCREMENTS: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
const ROUNDS: usize = 10;

fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut key_low, mut key_high]) = (counter, key);
    for _ in 0..ROUNDS {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(a);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(c);
        (a, b, c, d) = (
            (second >> 32) as u32 ^ b ^ key_low,
            second as u32,
            (first >> 32) as u32 ^ d ^ key_high,
            first as u32,
        );
        key_low = key_low.wrapping_add(KEY_INCREMENTS[0]);
        key_high = key_high.wrapping_add(KEY_INCREMENTS[1]);
    }
    [a, b, c, d]
}

/// A number in [0, 1) for a seed and the position of the token that is drawn, of the first choice of a request.
pub fn philox_uniform(seed: u64, position: u64) -> f64 {
    philox_uniform_of_choice(seed, 0, position)
}

/// A number in [0, 1) for a seed, the number of a choice and the position of the token that is drawn.
pub fn philox_uniform_of_choice(seed: u64, choice: u32, position: u64) -> f64 {
    let counter = [position as u32, (position >> 32) as u32, choice, 0];
    let [high, low, ..] = philox(counter, [seed as u32, (seed >> 32) as u32]);
    let bits = (u64::from(high) << 32 | u64::from(low)) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answers_of_the_paper_come_out() {
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn numbers_are_uniform() {
        let mut buckets = [0_u32; 10];
        for position in 0..10_000 {
            let number = philox_uniform(42, position);
            assert!((0.0..1.0).contains(&number));
            buckets[(number * 10.0) as usize] += 1;
        }
        assert!(buckets.iter().all(|count| (900..1100).contains(count)), "{buckets:?}");
    }
}
