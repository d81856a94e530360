//! Which price a node goes with, by trying: markets say it of most, and a delayed oracle whose delay is taken away has a node that moves all the
//! same. One that does not go in proportion to a single price is not known at any other.

use crate::bounds::points;
use plimsoll_core::{Feeds, Lens, Market, Reading, Refusal, Rounding, Time, U256};
use plimsoll_kernel::{Layout, World};

/// What moves a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driven {
    /// No price.
    Nothing,
    /// It is proportional to the price of this slot.
    By(usize),
    /// Prices move it, and not in proportion to one of them.
    Bent,
}

/// How far a node may be off its price: roundings of the venue.
const NEAR: f64 = 1e-6;
/// Each price is tried at these parts of itself.
const TRIED: [(u64, u64); 2] = [(4, 5), (5, 4)];

/// What moves each node of a market.
///
/// # Errors
/// When the market cannot stand at today's prices.
pub(super) fn driven(market: &dyn Market, readings: &[Reading], at: Time) -> Result<Vec<Driven>, Refusal> {
    let readings = points(readings);
    let nodes = |readings: &[Reading]| -> Result<Vec<f64>, Refusal> {
        let quoted = market.at(Feeds { readings }, Lens::Action, at)?;
        let count = quoted.nodes().len();
        let Some(layout) = Layout::new([count]) else { return Ok(vec![f64::NAN; count]) };
        let world = World::new(&layout, [quoted.nodes()]);
        let places = 1..=count as u32;
        Ok(places.map(|node| if world.known(node) { world.value(node) } else { f64::NAN }).collect())
    };
    let today = nodes(&readings)?;
    let mut all: Vec<Driven> = vec![Driven::Nothing; today.len()];
    for (slot, reading) in readings.iter().enumerate() {
        let Some(value) = reading.value else { continue };
        let mut tried = Vec::new();
        for (times, over) in TRIED {
            let to = value.mul_div_wide(U256::from(times), U256::from(over), Rounding::Down);
            let Some(to) = to.filter(|to| *to != U256::ZERO) else { continue };
            let mut changed = readings.clone();
            changed[slot] = Reading::certain(to);
            let part = super::int(to.into()) / super::int(value.into());
            match nodes(&changed) {
                Ok(then) => tried.push((part, then)),
                // A market that does not stand there says nothing of what it would be.
                Err(_) => {
                    all.fill(Driven::Bent);
                    return Ok(all);
                }
            }
        }
        for (node, (driven, was)) in all.iter_mut().zip(&today).enumerate() {
            // Of what is unknown today, or zero, no part is known.
            if was.is_nan() || *was <= 0.0 {
                continue;
            }
            let ratio = |then: &Vec<f64>| then[node] / was;
            let stands = tried.iter().all(|(_, then)| (ratio(then) - 1.0).abs() <= NEAR);
            let along = tried.iter().all(|(part, then)| (ratio(then) / part - 1.0).abs() <= NEAR);
            *driven = match *driven {
                known if stands => known,
                Driven::Nothing if along => Driven::By(slot),
                _ => Driven::Bent,
            };
        }
    }
    Ok(all)
}
