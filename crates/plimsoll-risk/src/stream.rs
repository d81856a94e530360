//! Random numbers by counter: number `i` of path `k` is the same on any worker, in any order, on any machine.
//!
//! Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").

use crate::special::normal_quantile;

const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// One block of four words.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])];
        }
        let products = [MULTIPLIERS[0] * u64::from(counter[0]), MULTIPLIERS[1] * u64::from(counter[2])];
        let high = |product: u64| (product >> 32) as u32;
        let low = |product: u64| (product & 0xFFFF_FFFF) as u32;
        counter = [
            high(products[1]) ^ counter[1] ^ key[0],
            low(products[1]),
            high(products[0]) ^ counter[3] ^ key[1],
            low(products[0]),
        ];
    }
    counter
}

/// The numbers of one path of one experiment.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    path: [u32; 2],
    block: u64,
    words: [u64; 2],
    left: usize,
}

impl Stream {
    /// The stream of path `path` under `seed`.
    #[must_use]
    pub fn new(seed: u64, path: u64) -> Stream {
        Stream { key: halves(seed), path: halves(path), block: 0, words: [0; 2], left: 0 }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        if self.left == 0 {
            let [low, high] = halves(self.block);
            let words = philox([low, high, self.path[0], self.path[1]], self.key);
            let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
            self.words = [join(words[0], words[1]), join(words[2], words[3])];
            self.block = self.block.wrapping_add(1);
            self.left = 2;
        }
        self.left -= 1;
        self.words[1 - self.left]
    }

    /// The next number between 0 and 1, both excluded: the middle of one of 2^52 cells.
    pub fn uniform(&mut self) -> f64 {
        open(self.bits())
    }

    /// The next standard normal, by inversion: one uniform a normal, so that a path is the same whatever draws beside it.
    pub fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }

    /// The next exponential with mean one.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// The next whole number below `count`, each as likely as the others to 2^-64; 0 where `count` is 0.
    pub fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(count)) >> 64) as u64
    }

    /// The next chi-squared with `nu` degrees of freedom over `nu` (Marsaglia and Tsang 2000, of a gamma).
    pub fn chi_squared_mean(&mut self, nu: f64) -> f64 {
        let shape = 0.5 * nu;
        // Below one the gamma of one more is drawn, and shrunk by a power of a uniform.
        let (boosted, shrink) =
            if shape < 1.0 { (shape + 1.0, libm::pow(self.uniform(), 1.0 / shape)) } else { (shape, 1.0) };
        let d = boosted - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            if libm::log(self.uniform()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v * shrink / shape;
            }
        }
    }
}

fn halves(value: u64) -> [u32; 2] {
    [(value & 0xFFFF_FFFF) as u32, (value >> 32) as u32]
}

fn open(bits: u64) -> f64 {
    // Of 2^53 cells the last one's middle would round to 1.
    ((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with their library.
    #[test]
    fn known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]);
        assert_eq!(philox([!0; 4], [!0; 2]), [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]);
        let counter = [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344];
        let found = philox(counter, [0xA409_3822, 0x299F_31D0]);
        assert_eq!(found, [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]);
    }

    #[test]
    fn uniforms_never_reach_their_ends() {
        assert!(open(0) > 0.0 && open(u64::MAX) < 1.0);
    }
}
