//! Paths of a Kou process, from jump to jump: between two jumps the logarithm is a Brownian motion, so nothing is cut into steps.

use super::Estimate;
use crate::passage::diffusion::Diffusion;
use crate::passage::kou::Kou;
use crate::stream::Stream;
use crate::unfit::{Unfit, must, positive};
use libm::log;

/// The chance to be at or below `line` (a share of today's value) at some moment within `years`, from so many paths.
///
/// # Errors
/// With a line or a time that is not positive, a process that [`Kou::falls_to`] would not take, or fewer than two paths.
pub fn falls_to(process: &Kou, line: f64, years: f64, paths: u64, seed: u64) -> Result<Estimate, Unfit> {
    process.sound()?;
    positive("line", line)?;
    positive("years", years)?;
    must("paths", paths as f64, paths >= 2, "at least 2")?;
    let distance = -log(line);
    if distance <= 0.0 {
        return Ok(Estimate { chance: 1.0, error: 0.0, samples: paths });
    }
    Ok(super::mean(paths, 1, |path| crosses(process, distance, years, &mut Stream::new(seed, path))))
}

/// The chance that this path crosses, given where it stands before and after each jump.
fn crosses(process: &Kou, distance: f64, years: f64, stream: &mut Stream) -> f64 {
    let (mut above, mut left, mut safe) = (distance, years, 1.0);
    loop {
        let wait = if process.jumps > 0.0 { stream.exponential() / process.jumps } else { f64::INFINITY };
        let time = wait.min(left);
        let variance = process.volatility * process.volatility * time;
        let before = above;
        above += process.log_drift * time + variance.sqrt() * stream.normal();
        if above <= 0.0 {
            return 1.0;
        }
        if variance > 0.0 {
            safe *= 1.0 - Diffusion::bridge(before, above, variance);
        }
        left -= time;
        if left <= 0.0 {
            return 1.0 - safe;
        }
        let up = stream.uniform() < process.upward;
        above += if up { process.mean_up } else { -process.mean_down } * stream.exponential();
        if above <= 0.0 {
            return 1.0;
        }
    }
}
