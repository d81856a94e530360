//! What was calibrated, in words and rows: the same for the terminal and for a page.

use crate::check::counted;
use crate::figures::{day, figure, money, money_down, percent, rest};
use plimsoll::{Appetite, Calibrated, CapBinds, Column, Observed, Stated};

pub(super) const HEADER: [&str; 5] = ["", "now", "aggressive", "moderate", "conservative"];
pub(super) const GATES: [&str; 5] = ["gate", "found", "limit", "", "because"];

pub(super) const fn name(appetite: Appetite) -> &'static str {
    match appetite {
        Appetite::Aggressive => "aggressive",
        Appetite::Moderate => "moderate",
        Appetite::Conservative => "conservative",
    }
}

pub(super) fn tolerated(dollars: f64, by_default: bool) -> String {
    let whose = if by_default { "a fund of 400 million dollars, as nobody said" } else { "the fund" };
    format!("tolerated loss of a day (K): {} USD, a thousandth of {whose}", money(dollars))
}

pub(super) fn stands(one: &Calibrated) -> String {
    let Calibrated { stand, currency, .. } = one;
    let owed = if stand.owed.is_empty() { "nothing".into() } else { stand.owed.join(", ") };
    let mut words = format!(
        "{} owing {} {currency} ({owed}) against {} {currency}; the largest {}",
        counted(stand.accounts, "account"),
        money(stand.debt),
        money(stand.collateral),
        money(stand.largest),
    );
    if stand.unknown > 0 {
        words += &format!("; {} in no sum, as the venue has no answer", counted(stand.unknown, "account"));
    }
    words
}

/// What it was set from, a line each.
pub(super) fn from(seen: &Observed) -> Vec<String> {
    let (days, torn, _) = seen.days;
    let (now, wild, set) = seen.volatility;
    let mut lines = vec![
        format!(
            "series {}, {} to {}: {} of 24 hours tried, {torn} torn by gaps; last price {}",
            seen.series,
            day(seen.span.0),
            day(seen.span.1),
            counted(days as u64, "window"),
            figure(seen.price),
        ),
        format!(
            "volatility a year: {} % now, {} % exceeded on one day in a hundred, set by {}",
            percent(now),
            percent(wild),
            day(set)
        ),
        format!(
            "liquidity: {} can be sold so that the bonus of {} % pays for the loss",
            money(seen.liquidity),
            percent(seen.bonus)
        ),
    ];
    lines.extend(seen.assumed.iter().map(|line| format!("assumed: {line}")));
    lines
}

pub(super) fn gates(seen: &Observed) -> Vec<[String; 5]> {
    let row = |gate: &plimsoll::Gate| {
        let limit = format!("{} {}", if gate.least { "at least" } else { "at most" }, figure(gate.limit));
        let found = gate.figure.map_or_else(|| "unknown".into(), figure);
        let passes = if gate.passes() { "passes" } else { "FAILS" };
        let unit = if gate.unit.is_empty() { String::new() } else { format!("{}; ", gate.unit) };
        [gate.name.into(), found, limit, passes.into(), format!("{unit}{}", gate.because)]
    };
    seen.gates.iter().map(row).collect()
}

pub(super) fn eligible(seen: &Observed) -> String {
    let binds = seen.gates.iter().max_by(|a, b| a.pressure().total_cmp(&b.pressure()));
    let binds = binds.map_or("none", |gate| gate.name);
    if seen.eligible() {
        return format!("eligible: every gate passes; nearest to its limit: {binds}");
    }
    format!("NOT ELIGIBLE, LTV 0 at once: {binds} binds")
}

/// Hazards beside prices.
pub(super) fn hazards(one: &Calibrated) -> Vec<String> {
    let Some(struck) = &one.hazards else {
        return vec!["hazards of contract, issuer and bridge: not assessed".into()];
    };
    let mut lines = vec![format!(
        "hazards, apart from prices: {} % of the value a year is expected to be lost",
        percent(struck.expected)
    )];
    lines.extend(struck.events.iter().map(|event| {
        let kinds: Vec<&str> = event.kinds.iter().map(|kind| kind.name()).collect();
        let (often, loses) = (figure(event.a_year), percent(event.loses));
        format!("  {} ({}): {often} a year, {loses} % of the value", event.name, kinds.join(", "))
    }));
    lines
}

/// The numbers, a row each, with what stands now.
pub(super) fn rows(one: &Calibrated, seen: &Observed, tolerated: f64) -> Vec<[String; 5]> {
    let told = |told: &Option<Stated>| told.as_ref().map_or_else(|| "-".into(), |told| percent(told.value));
    let row = |name: &str, now: String, of: &dyn Fn(&Column) -> String| {
        let mut cells = [String::new(), String::new(), String::new(), String::new(), String::new()];
        cells[0] = name.into();
        cells[1] = now;
        for (cell, column) in cells[2..].iter_mut().zip(&seen.columns) {
            *cell = of(column);
        }
        cells
    };
    let none = || "-".to_string();
    let known = |part: f64| if part.is_finite() { percent(part) } else { "none pays".into() };
    let smart = seen.smart.map_or_else(none, percent);
    let bonus = one.rules.bonus.map_or_else(none, percent);
    let cap = one.rules.supply_cap.as_ref().map_or_else(none, |told| figure(told.value));
    vec![
        row("liquidation threshold %", told(&one.rules.threshold), &|c| percent(c.line.threshold)),
        row("LTV %", told(&one.rules.ltv), &|c| percent(c.line.ltv)),
        row("SmartLTV, beside it %", none(), &|_| smart.clone()),
        row("bonus that pays %", bonus, &|c| known(c.bonus)),
        row("close factor %", none(), &|c| percent(c.close)),
        row("haircut %", none(), &|c| percent(c.haircut)),
        row("initial margin %", none(), &|c| percent(rest(c.line.ltv))),
        row("maintenance margin %", none(), &|c| percent(rest(c.line.threshold))),
        row("supply cap (tokens)", cap, &|c| money_down(c.cap.supply)),
        row("borrow cap (debt behind it)", none(), &|c| money_down(c.cap.debt)),
        row("what binds the cap", none(), &|c| binds(c).into()),
        row("loss of a day at the line", money_of(tolerated), &|c| money(c.line.loss)),
        row("loss at the next line", none(), &|c| c.line.next.map_or_else(none, |(loss, _)| money(loss))),
        row("next step: threshold %", told(&one.rules.threshold), &|c| percent(c.next.0)),
        row("next step: LTV %", told(&one.rules.ltv), &|c| percent(c.next.1)),
        row("windows as they were, loss above K", none(), &|c| {
            format!("{} of {}", c.replayed.over, c.replayed.days)
        }),
        row("the worst of them", none(), &|c| money(c.replayed.worst.0)),
        row("newly liquidatable", none(), &|c| {
            c.touched.as_ref().map_or_else(|_| "unknown".into(), |touched| touched.accounts.len().to_string())
        }),
    ]
}

fn money_of(tolerated: f64) -> String {
    format!("K = {}", money(tolerated))
}

pub(super) const fn binds(column: &Column) -> &'static str {
    match column.cap.binds {
        CapBinds::Days => "days",
        CapBinds::Drop => "extreme drop",
        CapBinds::Circulating => "circulating",
        CapBinds::Nothing => "nothing",
        CapBinds::NoLine => "no line",
    }
}

/// Which formula and which observation set the numbers.
pub(super) fn because(one: &Calibrated, seen: &Observed) -> Vec<String> {
    let mut lines = Vec::new();
    for column in &seen.columns {
        let line = &column.line;
        let (measure, times) = match column.appetite {
            Appetite::Aggressive => ("VaR95", "the 99th percentile of volatility"),
            Appetite::Moderate => ("VaR99", "the 99th percentile of volatility"),
            Appetite::Conservative => {
                ("ES99", "1.5 times the 99th percentile of volatility, everybody at the limit")
            }
        };
        if line.debt <= 0.0 {
            lines.push(format!(
                "{}: threshold 0: nothing can be sold so that the bonus pays for the loss",
                name(column.appetite)
            ));
            continue;
        }
        let next = line.next.map_or_else(
            || {
                "half a point more and a liquidation at the bonus that pays takes more than it frees"
                    .to_string()
            },
            |(loss, at)| format!("half a point more loses {}, by the day of {}", money(loss), day(at)),
        );
        lines.push(format!(
            "{}: threshold: {measure} of a day's bad debt is no more than K, at {times}, owing {} {}; {next}",
            name(column.appetite),
            money(line.debt),
            one.currency,
        ));
        lines.push(format!(
            "  LTV: threshold x (1 - {} %), the {measure} fall of a day at the volatility of now{}, by the day of {}",
            percent(line.gap.0),
            if column.appetite == Appetite::Conservative { " x 1.5" } else { "" },
            day(line.gap.1),
        ));
        if line.beyond > 0 {
            lines.push(format!(
                "  on {} more would be sold than the depth knows of; beyond it a sale is taken to bring nothing",
                counted(line.beyond as u64, "window")
            ));
        }
        if column.replayed.over > 0 {
            lines.push(format!(
                "  windows as they were, with this line (they set it): the worst began on {}",
                day(column.replayed.worst.1)
            ));
        }
    }
    lines.push(format!(
        "caps also withstand a drop of {} % within a day, in hourly steps; no step is larger than 3 points, but to an LTV of 0",
        percent(seen.columns.first().map_or(0.0, |column| column.drop)),
    ));
    lines.push(
        "SmartLTV: exp(-3 volatility / sqrt(liquidity / debt)) - bonus, with Parkinson's volatility of 30 days"
            .into(),
    );
    lines.push(
        "bonus: pays for the fall of a bar and the sale of half the largest debt; close factor: back to a health of 1.05; haircut: the fall of \
         a day, and the sale of all; margins: one less LTV, one less threshold"
            .into(),
    );
    lines
}
