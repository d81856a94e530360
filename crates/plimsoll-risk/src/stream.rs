//! Random numbers by counter: number `i` of path `k` is the same on any worker, in any order, on any machine.
//!
//! Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").

use crate::special::normal_quantile;
use plimsoll_kernel::philox;

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

    #[test]
    fn uniforms_never_reach_their_ends() {
        assert!(open(0) > 0.0 && open(u64::MAX) < 1.0);
    }
}
