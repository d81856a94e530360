//! How much each node moves in a tick. It only shares out room between nodes: no answer depends on it.

/// What a node is thought to move in a tick before it was seen to (a share of its value), and how many ticks that counts for.
const PACE: f64 = 1e-3;
const PACE_TICKS: f64 = 64.0;
/// Of the fastest pace, the least that a node is given.
const LEAST_PACE: f64 = 1.0 / 1024.0;

#[derive(Clone, Debug)]
pub(super) struct Paces {
    /// Relative to nothing in particular, and above zero.
    pub(super) paces: Vec<f64>,
    /// For each node, the sum of the squares of its relative moves.
    squares: Vec<f64>,
    ticks: u64,
}

impl Paces {
    pub(super) fn new(nodes: usize) -> Paces {
        Paces { paces: vec![PACE; nodes], squares: vec![0.0; nodes], ticks: 0 }
    }

    /// Now and then, all paces are set anew.
    pub(super) fn tick(&mut self) {
        self.ticks += 1;
        if self.ticks.is_multiple_of(1024) {
            let ticks = self.ticks as f64 + PACE_TICKS;
            for (pace, squares) in self.paces.iter_mut().zip(&self.squares) {
                *pace = ((squares + PACE_TICKS * PACE * PACE) / ticks).sqrt();
            }
            let least = self.paces.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * LEAST_PACE;
            for pace in &mut self.paces {
                *pace = pace.max(least);
            }
        }
    }

    pub(super) fn moved(&mut self, node: u32, before: f64, now: f64) {
        if before > 0.0 {
            let moved = ((now - before) / before).clamp(-1.0, 1.0);
            self.squares[node as usize] += moved * moved;
        }
    }
}
