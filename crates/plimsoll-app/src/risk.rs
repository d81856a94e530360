//! `plimsoll risk`: how likely accounts are to be liquidated by a date, and what a whole book may lose.

#![allow(clippy::float_arithmetic)] // chances are estimates; what is shown of them decides nothing

mod json;
mod page;
mod table;

use crate::args::{History, RiskArgs};
use crate::ask::{print_foot, refuse};
use crate::show::{self, outln};
use crate::whatif::table as columns;
use crate::{exit, history};
use plimsoll::{
    AccountChance, BookChance, Chance, ChanceModel, ChanceSetting, ChanceStands, Chances, ModelChance, Said,
    Whom, chances,
};
use plimsoll_core::Book;

pub(crate) fn run(args: &RiskArgs) -> u8 {
    let (book, history) = match opened(&args.book, &args.history) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let whom = match whom(&book, args) {
        Ok(whom) => whom,
        Err(code) => return code,
    };
    let setting = ChanceSetting { fan: args.report.is_some(), ..setting(&args.history, &args.days) };
    let answer = match chances(&book, &history, &setting, &whom) {
        Ok(answer) => answer,
        Err(why) => return refuse(&why),
    };
    if let Some(path) = &args.report
        && let Err(code) = page::write(path, &book, &answer, &setting)
    {
        return code;
    }
    if let Some(path) = &args.parquet
        && let Err(code) = table::write(path, &book, &answer)
    {
        return code;
    }
    if args.json {
        outln!("{:#}", json::answer(&book, &answer, &setting));
    } else {
        print(&book, &answer, &setting);
    }
    code(&answer)
}

/// The book and the history; the exit code where one of them cannot be had.
pub(crate) fn opened(
    book: &std::path::Path,
    asked: &History,
) -> Result<(Book, plimsoll_risk::history::History), u8> {
    let (book, _) = crate::check::open(book, false)?;
    history::known(&book, &asked.hold, &asked.map)?;
    Ok((book, history::open(&asked.history)?))
}

/// What is asked of history, as the library takes it.
pub(crate) fn setting(asked: &History, days: &[u32]) -> ChanceSetting {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    ChanceSetting {
        days: days.to_vec(),
        look: asked.looks,
        paths: asked.paths,
        seed: asked.seed,
        window: asked.window,
        threads,
        said: Said { hold: asked.hold.clone(), map: asked.map.clone() },
        ..ChanceSetting::default()
    }
}

fn whom(book: &Book, args: &RiskArgs) -> Result<Whom, u8> {
    if let Some(name) = &args.account {
        return plimsoll::account(book, name)
            .map(|place| Whom::Accounts(vec![place]))
            .map_err(|why| refuse(&why));
    }
    let Some(owner) = &args.owner else { return Ok(Whom::Book(args.top)) };
    let mut owners = book.accounts.iter().map(|listed| listed.owner.as_str());
    if let Some(code) = crate::ask::no_such("owner", owner, &mut owners) {
        return Err(code);
    }
    let own = book.accounts.iter().enumerate().filter(|(_, listed)| listed.owner == *owner);
    Ok(Whom::Accounts(own.map(|(place, _)| place).collect()))
}

/// What is below its line first, then what nobody can tell.
fn code(answer: &Chances) -> u8 {
    let any = |stands: fn(&ChanceStands) -> bool| answer.accounts.iter().any(|one| stands(&one.stands));
    if any(|stands| *stands == ChanceStands::Below) || (answer.counts.below > 0 && !answer.books.is_empty()) {
        return exit::UNHEALTHY;
    }
    if any(|stands| matches!(stands, ChanceStands::Unknown(_)))
        || (answer.counts.unknown > 0 && !answer.books.is_empty())
    {
        return exit::UNKNOWN;
    }
    exit::CALM
}

// ---- words ---------------------------------------------------------------------------------------------------------

/// A chance in percent, to three digits that count.
pub(crate) fn percent(chance: f64) -> String {
    let percent = chance * 100.0;
    match percent {
        p if p >= 10.0 => format!("{p:.1} %"),
        p if p >= 1.0 => format!("{p:.2} %"),
        p if p >= 0.01 => format!("{p:.3} %"),
        p if p > 0.0 => format!("{p:.1e} %"),
        _ => "0 %".into(),
    }
}

/// A chance with its standard error; beyond the data where nothing crossed.
pub(crate) fn chance_words(chance: &Chance) -> String {
    match () {
        () if chance.beyond() => format!("beyond the data (below {})", percent(chance.bound())),
        () if chance.closed => percent(chance.estimate.chance),
        () => format!("{} ± {}", percent(chance.estimate.chance), percent(chance.estimate.error)),
    }
}

/// The chances of all models that have an answer by a horizon.
fn by_horizon(models: &[ModelChance], horizon: usize) -> Vec<Chance> {
    models.iter().filter_map(|model| model.chances.as_ref().ok()?.get(horizon).copied()).collect()
}

/// The range over models by a horizon; `None` where no model has an answer.
pub(crate) fn range(models: &[ModelChance], horizon: usize) -> Option<[f64; 2]> {
    span(&by_horizon(models, horizon))
}

/// From the least to the greatest. Beyond the data the least is nothing and the greatest is the bound: no more is known.
fn span(chances: &[Chance]) -> Option<[f64; 2]> {
    let most = |chance: &Chance| if chance.beyond() { chance.bound() } else { chance.estimate.chance };
    let low = chances.iter().map(|chance| chance.estimate.chance).reduce(f64::min)?;
    Some([low, chances.iter().map(most).fold(low, f64::max)])
}

/// The range in words: a lower end of nothing is what the paths can show.
pub(crate) fn range_words(models: &[ModelChance], horizon: usize) -> String {
    span_words(&by_horizon(models, horizon))
}

fn span_words(chances: &[Chance]) -> String {
    let Some([low, high]) = span(chances) else { return "not estimable".into() };
    let beyond = chances.iter().filter(|chance| chance.beyond());
    match beyond.map(Chance::bound).reduce(f64::min) {
        Some(bound) if high <= bound => format!("below {}", percent(bound)),
        Some(bound) if low < bound => format!("below {} to {}", percent(bound), percent(high)),
        _ if high <= 0.0 => percent(low),
        _ => format!("{} to {}", percent(low), percent(high)),
    }
}

/// How an account without chances stands.
pub(crate) fn stands_words(stands: &ChanceStands) -> String {
    match stands {
        ChanceStands::Estimated => String::new(),
        ChanceStands::Below => "below its line now: 100 %".into(),
        ChanceStands::NoDebt => "no debt: 0 %".into(),
        ChanceStands::Unknown(why) => format!("not estimable: {why}"),
    }
}

/// Money in whole units, in few digits.
pub(crate) fn money(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, " bn"),
        v if v >= 1e6 => (value / 1e6, " M"),
        v if v >= 1e3 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    format!("{scaled:.2}{unit}")
}

/// What was assumed, as lines.
pub(crate) fn assumptions(answer: &Chances, setting: &ChanceSetting) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some([from, until]) = answer.window {
        let day = |time: i64| show::time(plimsoll_core::Time(time.unsigned_abs()))[..10].to_string();
        lines.push(format!(
            "history {}: {} of the last {} whole days, {} to {}; of all days that these series have in common {} are incomplete and left out; prices in a dollar stablecoin are taken as dollars",
            &answer.history[..16],
            answer.series.join(", "),
            setting.window,
            day(from),
            day(until),
            answer.broken,
        ));
    }
    lines.push(format!(
        "looks every {} s; {} paths, seed {}; prices are not expected to grow; interest as the markets accrue it with nobody acting",
        setting.look, answer.paths, setting.seed
    ));
    if !answer.closes.is_empty() {
        lines.push(format!("closes alone, without lows and highs: {}", answer.closes.join(", ")));
    }
    lines.extend(answer.useless.iter().map(|why| format!("cannot serve: {why}")));
    for (word, list) in still_lines(answer) {
        lines.push(format!("{word}: {}", list.join(", ")));
    }
    lines
}

fn still_lines(answer: &Chances) -> Vec<(&'static str, Vec<String>)> {
    use plimsoll::Still;
    let of = |why: Still| -> Vec<String> {
        let those = answer.still.iter().filter(|(_, still)| *still == why);
        those.map(|(name, _)| name.clone()).collect()
    };
    let all = [
        ("held, as was said", of(Still::Held)),
        ("constant, blind to any market", of(Still::Constant)),
        ("what pools and vaults hold stands still", of(Still::Amount)),
        ("rates that issuers pay stand still", of(Still::Rate)),
    ];
    all.into_iter().filter(|(_, list)| !list.is_empty()).collect()
}

/// What a model is, in a line.
pub(crate) fn about(answer: &Chances, kind: ChanceModel) -> &'static str {
    match kind {
        ChanceModel::Filtered if answer.closes.is_empty() => {
            "whole days that were, with their lows and highs, at today's volatility"
        }
        ChanceModel::Filtered if answer.closes.len() < answer.series.len() => {
            "whole days that were, with the lows and highs that are known, at today's volatility"
        }
        ChanceModel::Filtered => "whole days that were, closes alone, at today's volatility",
        ChanceModel::Copula => "t copula with Student margins",
        ChanceModel::Kou => "normal with jumps, watched all the time",
        ChanceModel::Normal => "normal: no fat tails",
        ChanceModel::Stressed => "normal at a stressed volatility",
        ChanceModel::Severe => "normal at one and a half times that",
    }
}

// ---- tables --------------------------------------------------------------------------------------------------------

fn print(book: &Book, answer: &Chances, setting: &ChanceSetting) {
    let days: Vec<String> = answer.days.iter().map(|day| format!("{day} d")).collect();
    let mut header = vec!["account", "market", "health", "moves with"];
    header.extend(days.iter().map(String::as_str));
    let mut rows = columns(&header, 2..3);
    for one in &answer.accounts {
        rows.add_row(row(book, one, answer.days.len()));
    }
    if !answer.accounts.is_empty() {
        outln!("chance of liquidation, over models");
        outln!("{}", rows.trim_fmt());
    }
    if let [one] = &answer.accounts[..] {
        print_models(answer, one, &days);
    }
    let counts = answer.counts;
    if !answer.books.is_empty() {
        outln!(
            "\n{} accounts: {} estimated, {} without debt; {} below the line now and {} not estimable, both in no sum",
            counts.accounts,
            counts.estimated,
            counts.no_debt,
            counts.below,
            counts.unknown
        );
        print_books(answer);
    }
    outln!();
    for line in assumptions(answer, setting) {
        outln!("{line}");
    }
    print_foot(&answer.identity);
}

fn row(book: &Book, one: &AccountChance, horizons: usize) -> Vec<String> {
    let listed = &book.accounts[one.account];
    let health = one.health.map_or_else(|| "-".into(), |health| format!("{health:.4}"));
    let mut cells =
        vec![listed.name.clone(), book.markets[listed.market].name.clone(), health, one.drivers.join(", ")];
    match &one.stands {
        ChanceStands::Estimated => {
            cells.extend((0..horizons).map(|horizon| range_words(&one.models, horizon)))
        }
        other => cells.push(stands_words(other)),
    }
    cells
}

fn print_models(answer: &Chances, one: &AccountChance, days: &[String]) {
    if one.models.is_empty() {
        return;
    }
    let mut header = vec!["model"];
    header.extend(days.iter().map(String::as_str));
    header.push("");
    let mut rows = columns(&header, 1..1 + days.len());
    for model in &one.models {
        let mut cells = vec![model.kind.name().to_string()];
        match &model.chances {
            Ok(chances) => {
                cells.extend(chances.iter().map(chance_words));
                cells.push(about(answer, model.kind).into());
            }
            Err(why) => {
                cells.extend(days.iter().map(|_| "-".to_string()));
                cells.push(format!("not estimable: {why}"));
            }
        }
        rows.add_row(cells);
    }
    outln!("\n{}", rows.trim_fmt());
}

fn print_books(answer: &Chances) {
    let header = [
        "model",
        "in",
        "by",
        "liquidated, mean",
        "95 %",
        "99 %",
        "bad debt, mean",
        "VaR 95 %",
        "VaR 99 %",
        "ES 99 %",
    ];
    let mut rows = columns(&header, 3..10);
    for (kind, book) in &answer.books {
        match book {
            Ok(book) => each_loss(book, &answer.days, |cells| {
                let mut row = vec![kind.name().to_string()];
                row.extend(cells);
                rows.add_row(row);
            }),
            Err(why) => {
                rows.add_row([kind.name().to_string(), format!("not estimable: {why}")]);
            }
        }
    }
    outln!("{}", rows.trim_fmt());
    outln!(
        "liquidated: collateral of those who cross; bad debt: their debt beyond it, each at the look at which it crosses"
    );
}

/// A row for each currency and horizon in which anything may be lost.
pub(crate) fn each_loss(book: &BookChance, days: &[u32], mut add: impl FnMut(Vec<String>)) {
    for (currency, losses) in &book.losses {
        for (day, loss) in days.iter().zip(losses) {
            let numbers = loss.liquidated.iter().chain(&loss.bad_debt).chain([&loss.shortfall]);
            let numbers: Vec<String> = numbers.map(|value| money(*value)).collect();
            if loss.liquidated[2] > 0.0 || loss.liquidated[0] > 0.0 {
                let mut row = vec![currency.clone(), format!("{day} d")];
                row.extend(numbers);
                add(row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)] // a range that is not there has failed the test

    use super::*;
    use plimsoll_risk::paths::Estimate;

    fn drawn(chance: f64) -> Chance {
        Chance { estimate: Estimate { chance, error: 5e-5, samples: 20_000 }, closed: false }
    }

    fn closed(chance: f64) -> Chance {
        Chance { estimate: Estimate { chance, error: 0.0, samples: 0 }, closed: true }
    }

    /// Where no path of the headline crossed, less than three in 20,000 is all that it knows: no other model makes that less.
    #[test]
    fn a_range_ends_no_lower_than_what_the_paths_can_show() {
        let told = |chances: &[Chance]| span(chances).expect("a range");
        let same = |[a, b]: [f64; 2], [c, d]: [f64; 2]| (a - c).abs() < 1e-15 && (b - d).abs() < 1e-15;
        assert!(same(told(&[drawn(0.0), closed(1.8e-6)]), [0.0, 1.5e-4]));
        assert_eq!(span_words(&[drawn(0.0), closed(1.8e-6)]), "below 0.015 %");
        assert_eq!(span_words(&[drawn(0.0), drawn(0.0)]), "below 0.015 %");
        assert!(same(told(&[drawn(0.0), closed(0.02)]), [0.0, 0.02]));
        assert_eq!(span_words(&[drawn(0.0), closed(0.02)]), "below 0.015 % to 2.00 %");
        assert!(same(told(&[drawn(0.01), closed(0.02)]), [0.01, 0.02]));
        assert_eq!(span_words(&[drawn(0.01), closed(0.02)]), "1.00 % to 2.00 %");
        assert_eq!(span_words(&[closed(0.0)]), "0 %");
        assert_eq!(span_words(&[]), "not estimable");
    }
}
