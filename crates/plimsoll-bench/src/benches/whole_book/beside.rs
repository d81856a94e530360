//! The same books and worlds for the peers of [`tables`], after the figures of this process.

use super::data::Data;
use super::{BASELINE_SCENARIOS, MILLION};
use crate::benches::tables::{self, Place};
use crate::line::Line;
use crate::registry::{Context, Trouble};
use plimsoll_core::Reading;
use plimsoll_kernel::{Path, World};

/// Hands lines out and keeps them.
pub(super) fn kept<'a>(lines: &'a mut Vec<Line>, emit: &'a mut dyn FnMut(Line)) -> impl FnMut(Line) + 'a {
    move |line| {
        lines.push(line.clone());
        emit(line);
    }
}

/// Beside `check_1m`: the book as it stands, and a fifth lower.
pub(super) fn check(context: &Context, lines: &[Line], emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    each(context, lines, &mut |data, lines| {
        let moved = [1000, 800].map(|thousandths| data.moved(&vec![thousandths; data.readings.len()]));
        let places = places(data, &moved)?;
        tables::check(&data.csr.rows(), &places, lines, emit);
        Ok(())
    })
}

/// Beside the sweeps: the first scenarios of each.
pub(super) fn sweep(context: &Context, lines: &[Line], emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    each(context, lines, &mut |data, lines| {
        let seed = lines.first().map_or(0, |line| line.seed);
        let places = places(data, &data.scenarios(BASELINE_SCENARIOS, seed))?;
        tables::sweep(&data.csr.rows(), &places, lines, emit);
        Ok(())
    })
}

/// Asks peers beside these lines.
type Peers<'a> = dyn FnMut(&Data, &[Line]) -> Result<(), Trouble> + 'a;

/// Every seed's book, with the lines beside the plain loop, where peers are asked at all.
fn each(context: &Context, lines: &[Line], one: &mut Peers<'_>) -> Result<(), Trouble> {
    if !tables::asked(context) {
        return Ok(());
    }
    for seed in context.seeds() {
        let own = lines.iter().filter(|line| line.seed == seed && line.baseline == "plain CSR");
        one(&Data::new(MILLION, seed)?, &own.cloned().collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Worlds as floats, and how many accounts can be below the line in each.
fn places(data: &Data, worlds: &[Vec<Reading>]) -> Result<Vec<Place>, Trouble> {
    let place = |readings: &Vec<Reading>| {
        let quoted = data.stand(readings)?;
        let screened = data.packed.screen(&World::new(&data.layout, [quoted.nodes()]), Path::best());
        let least = screened.below.len() as u64;
        let below = [least, least + screened.undecided.len() as u64];
        Ok(Place { nodes: data.csr.world(&*quoted), below })
    };
    worlds.iter().map(place).collect()
}
