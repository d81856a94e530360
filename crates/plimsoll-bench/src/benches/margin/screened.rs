//! The screen of `portfolio_margin`: bounds in floats of the worst of 31 scenarios, from columns that were made once. **Baseline** `exact`: the same margin in integers, whose
//! worst outcome must lie within the bounds.

use super::{Outcome, PORTFOLIO};
use crate::line::Line;
use crate::measure::cpu_in_turn;
use crate::registry::{Context, Trouble};
use plimsoll_kernel::{Column, Positions, Scenarios};
use plimsoll_margin::derive::{FIRST_SCENARIO, Group, Parameters, Portfolio, Scenario, Vol, margin};
use std::hint::black_box;

pub(super) fn run(
    context: &Context,
    (portfolios, scenarios, parameters): (&[Portfolio<'_>], &[Scenario], &Parameters),
    seed: u64,
    emit: &mut dyn FnMut(Line),
) -> Result<(), Trouble> {
    let no = || Trouble::NoData("scenarios that are none".into());
    let rules: Vec<(i128, bool)> = scenarios
        .iter()
        .map(|scenario| (scenario.dampening, matches!(scenario.vol, Vol::Linear | Vol::Absolute)))
        .collect();
    let rules = Scenarios::new(&rules).ok_or_else(no)?;
    let groups = || portfolios.iter().flat_map(|portfolio| portfolio.groups);
    let columns: Vec<Vec<Column>> = groups()
        .map(|group| {
            group
                .held
                .iter()
                .map(|held| Column::new(held.columns[0], &held.columns[FIRST_SCENARIO..]))
                .collect()
        })
        .collect();
    let held: Vec<Vec<(i128, &Column)>> = groups()
        .zip(&columns)
        .map(|(group, columns)| group.held.iter().map(|held| held.amount).zip(columns).collect())
        .collect();
    let positions = |(group, held)| {
        let (group, held): (&Group<'_>, &Vec<(i128, &Column)>) = (group, held);
        let (long, short) = group.state.static_discounts();
        Positions { long, short, held }
    };
    let positions: Vec<[Positions<'_>; 1]> = groups().zip(&held).map(|pair| [positions(pair)]).collect();
    let (mut sums, mut outcomes) = (Vec::new(), Vec::new());
    let mut exact = vec![0; scenarios.len()];
    let mut agreed = 0;
    for (portfolio, positions) in portfolios.iter().zip(&positions) {
        let found = rules.worst(positions, &mut sums, &mut outcomes);
        let margin = margin(portfolio, scenarios, parameters, &mut exact);
        let worst = exact.iter().copied().min().unwrap_or(0).min(0);
        let within = found
            .is_some_and(|found| found.low.floor() as i128 <= worst && worst <= found.high.ceil() as i128);
        agreed += u64::from(margin.is_some() && within);
    }
    let mut screen = || {
        for positions in &positions {
            black_box(rules.worst(black_box(positions), &mut sums, &mut outcomes));
        }
    };
    let mut whole = || {
        for portfolio in portfolios {
            black_box(margin(black_box(portfolio), scenarios, parameters, &mut exact));
        }
    };
    let n = portfolios.len() as u64;
    let times = cpu_in_turn(context.runs(), n, [&mut screen, &mut whole]);
    let case = "ten options, 31 scenarios, cached columns, screened in floats";
    Outcome { name: PORTFOLIO, case, times, agreed, n, seed }.tell_beside("exact", emit)
}
