//! `plimsoll stress`: what scenarios do to a whole book.

mod curve;
mod heat;
mod json;
mod named;
mod report;
mod sales;
mod table;

pub(crate) use heat::axes;
pub(crate) use named::mapping;
pub(crate) use sales::open as open_depth;

use crate::args::{Axes, StressArgs};
use crate::ask::{print_foot, refuse};
use crate::check::counted;
use crate::gaps::Gaps;
use crate::show::{self, outln};
use crate::steps::Steps;
use crate::whatif::table as columns;
use plimsoll::{
    Below, Change, Counts, HeatMap, Identity, Jump, Misasked, PriceMove, Ratio, Risk, Said, Severity,
    Shocked, Stress, Walk,
};
use plimsoll_core::{Book, Depth, Int, Scenario};

pub(crate) fn run(args: &StressArgs) -> u8 {
    let Some(path) = args.book.as_deref().filter(|_| !args.list) else { return named::list(args.json) };
    let scenarios = match named::scenarios(&args.scenario) {
        Ok(scenarios) => scenarios,
        Err(code) => return code,
    };
    let (book, gaps) = match crate::check::open(path, false) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let said = Said { hold: args.hold.clone(), map: args.map.clone() };
    let depth = match args.depth.as_deref().map(sales::open).transpose() {
        Ok(depth) => depth,
        Err(code) => return code,
    };
    let asked = Asked { scenarios: &scenarios, said: &said, depth: depth.as_ref(), steps: args.steps };
    let seen = match asked.of(&book, args.heatmap.as_ref()) {
        Ok(seen) => seen,
        Err(why) => return refuse(&why),
    };
    let under = match under(&book, &args.set, &asked) {
        Ok(under) => under,
        Err(code) => return code,
    };
    let curve = match args.curve.as_deref().map(|along| curve::ask(&book, along, &said)).transpose() {
        Ok(curve) => curve,
        Err(code) => return code,
    };
    let words: Vec<&str> = args.set.iter().map(|(words, _)| words.trim_start_matches("set ")).collect();
    let changed = under.as_ref().map(|seen| Changed { set: &words, seen });
    if let Some(path) = &args.report
        && let Err(code) = report::write(path, &book, &seen, changed, curve.as_ref(), args.top)
    {
        return code;
    }
    if let Some(path) = &args.parquet
        && let Err(code) = table::write(path, &book, &seen, changed)
    {
        return code;
    }
    if args.json {
        let mut answer = json::answer(&book, &seen);
        if let Some(curve) = &curve {
            answer["curve"] = json::curve(&book, curve);
        }
        if let Some(under) = &under {
            answer["under_set"] = json::under(&book, &words, under, &seen.jumps);
        }
        outln!("{answer:#}");
    } else {
        print(&book, &seen.jumps, under.as_ref(), args.top);
        sales::print(&seen);
        if let Some(heat) = &seen.heat {
            heat::print(heat);
        }
        if let Some(curve) = &curve {
            curve::print(&book, curve, args.top);
        }
        print_foot(&seen.identity);
        if let Some(under) = &under {
            outln!("with --set · hash {}", &under.identity.hash[..16]);
        }
    }
    let under = under.map_or_else(Vec::new, |under| under.jumps);
    code(seen.jumps.iter().chain(&under), &book, &gaps)
}

/// What is asked of a book.
struct Asked<'a> {
    scenarios: &'a [Scenario],
    said: &'a Said,
    depth: Option<&'a Depth>,
    steps: Option<u32>,
}

/// A book as it stands and after each scenario.
struct Seen {
    identity: Identity,
    depth: Option<Depth>,
    /// Curves of the depth that no sale of the book can go down.
    unused: Vec<String>,
    jumps: Vec<Jump>,
    /// Each scenario as a path, where one was asked for.
    walks: Vec<Walk>,
    heat: Option<HeatMap>,
}

/// The same under other parameters.
#[derive(Clone, Copy)]
struct Changed<'a> {
    /// What was set, in words.
    set: &'a [&'a str],
    seen: &'a Seen,
}

impl Asked<'_> {
    fn of(&self, book: &Book, heat: Option<&Axes>) -> Result<Seen, Misasked> {
        let stress = Stress::new(book)?;
        // A cell of a heatmap says nothing of sales.
        let heat = heat.map(|axes| stress.heat(axes.clone(), self.said)).transpose()?;
        let stress = match self.depth {
            Some(depth) => stress.sold_into(depth.clone())?,
            None => stress,
        };
        let stands = std::iter::once_with(|| stress.stand());
        let jumps = stands.chain(self.scenarios.iter().map(|scenario| stress.jump(scenario, self.said)));
        let jumps = jumps.collect::<Result<Vec<Jump>, _>>()?;
        let walks = match self.steps {
            Some(steps) => {
                let walk = |scenario| stress.walk(scenario, self.said, steps);
                self.scenarios.iter().map(walk).collect::<Result<_, _>>()?
            }
            None => Vec::new(),
        };
        let (depth, unused) = (stress.depth().cloned(), stress.curves_unused());
        Ok(Seen { depth, unused, identity: stress.identity, jumps, walks, heat })
    }
}

/// The same under other parameters, where some are given.
fn under(book: &Book, set: &[(String, Change)], asked: &Asked<'_>) -> Result<Option<Seen>, u8> {
    if set.is_empty() {
        return Ok(None);
    }
    let changed = crate::ask::after(book.clone(), None, &Steps(set.to_vec()))?;
    asked.of(&changed, None).map(Some).map_err(|why| refuse(&why))
}

/// As `check` would say of the worst of the books.
fn code<'j>(jumps: impl Iterator<Item = &'j Jump>, book: &Book, gaps: &Gaps) -> u8 {
    let severity = |jump: &Jump| match () {
        () if jump.after.liquidatable > 0 || jump.unhealthy => Severity::Unhealthy,
        () if jump.after.unknown > 0 => Severity::Unknown,
        () => Severity::Calm,
    };
    let worst = jumps.map(severity).max().unwrap_or(Severity::Calm);
    gaps.code(worst, book.accounts.len() as u64)
}

// ---- tables --------------------------------------------------------------------------------------------------------

const HEADER: [&str; 12] = [
    "",
    "healthy",
    "liquidatable",
    "no debt",
    "unknown",
    "all",
    "",
    "collateral before",
    "after",
    "seizable now",
    "uncovered",
    "bad debt if all act at once",
];

/// What the two last columns are.
const BAD_DEBT: [&str; 2] = [
    "uncovered: debt of the liquidatable beyond each one's own collateral, before anybody acts",
    "bad debt if all act at once: worst account first, the call that seizes most, at the venue's price; no bound, as bonuses make \
     bad debt: another order, smaller calls or none may leave less",
];

/// The row of a scenario under other parameters, below its own.
const WITH_SET: &str = "  with --set";

fn print(book: &Book, jumps: &[Jump], under: Option<&Seen>, top: usize) {
    let mut rows = columns(&HEADER, 1..12);
    for (place, jump) in jumps.iter().enumerate() {
        add(&mut rows, &jump.scenario.called(), jump.after, &jump.risks);
        if let Some(under) = under.map(|under| &under.jumps[place]) {
            add(&mut rows, WITH_SET, under.after, &under.risks);
        }
    }
    outln!("{}", rows.trim_fmt());
    outln!(
        "collateral is that of the liquidatable accounts, before and after the shock; seizable by one call for each"
    );
    BAD_DEBT.iter().for_each(|line| outln!("{line}"));
    for jump in &jumps[1..] {
        print_jump(book, jump, jumps.len() == 2, top);
    }
    for (place, jump) in jumps.iter().enumerate() {
        print_gaps(&jump.scenario.called(), jump);
        if let Some(under) = under.map(|under| &under.jumps[place]) {
            print_under(book, jump, under, top);
        }
    }
}

fn add(table: &mut comfy_table::Table, name: &str, counts: Counts, risks: &[Risk]) {
    rows(name, counts, risks, |row| {
        table.add_row(row);
    });
}

/// One row, and one more for each further currency.
fn rows(name: &str, counts: Counts, risks: &[Risk], mut add: impl FnMut(Vec<String>)) {
    let Counts { accounts, healthy, liquidatable, no_debt, unknown } = counts;
    let mut cells: Vec<String> = vec![name.into()];
    cells.extend([healthy, liquidatable, no_debt, unknown, accounts].map(|count| count.to_string()));
    if risks.is_empty() {
        add(cells.clone());
    }
    for risk in risks {
        let money = |value: Int| show::amount(value, risk.decimals, 2);
        let mut row = std::mem::replace(&mut cells, vec![String::new(); 6]);
        row.push(risk.currency.clone());
        let [before, after] = risk.collateral;
        row.extend([before, after, risk.seizable].map(money));
        row.extend([risk.uncovered[1], risk.bad_debt].map(|value| sales::up(value, risk.decimals)));
        add(row);
    }
}

fn print_jump(book: &Book, jump: &Jump, alone: bool, top: usize) {
    outln!("\n{}: {}", jump.scenario.called(), jump.scenario.title);
    for source in &jump.scenario.sources {
        outln!("  source: {source}");
    }
    let shocked = &jump.shocked;
    let moves = moved(shocked);
    if !moves.is_empty() {
        let mut prices = columns(&["price", "kind", "before", "after", "", ""], 2..4);
        for cells in moves {
            prices.add_row(cells);
        }
        outln!("{}", prices.trim_fmt());
    } else {
        outln!("no price of the book moves");
    }
    print_assumed(&jump.shocked);
    if alone && jump.markets.len() > 1 {
        let mut rows = columns(&HEADER, 1..12);
        for impact in &jump.markets {
            add(&mut rows, &impact.market, impact.after, std::slice::from_ref(&impact.risk));
        }
        outln!("\n{}", rows.trim_fmt());
    }
    sales::print_losses(jump, top);
    let fallen: Vec<&Below> = jump.fallen().collect();
    outln!("\n{} newly liquidatable", counted(fallen.len() as u64, "account"));
    print_below(book, jump, &fallen, |below| below.before, top);
}

/// The prices that move, also those of sales alone: name, kind, what each was and is, in what, and what is to be known of it.
fn moved(shocked: &Shocked) -> Vec<[String; 6]> {
    let row = |price: &PriceMove, note: &str| {
        [
            price.name.clone(),
            price.kind.map_or("derived", plimsoll_core::FeedKind::name).to_string(),
            price.from.trimmed().to_string(),
            price.to.to_string(),
            price.unit.to_string(),
            note.to_string(),
        ]
    };
    let bound = |price: &PriceMove| if price.bound { "the feed says no more than its bound" } else { "" };
    let moved = shocked.moved.iter().map(|price| row(price, bound(price)));
    let market = shocked.market.iter().map(|price| row(price, "sales alone: the oracle does not follow"));
    moved.chain(market).collect()
}

/// Who is liquidatable only under the other parameters.
fn print_under(book: &Book, jump: &Jump, under: &Jump, top: usize) {
    let name = jump.scenario.called();
    let newly: Vec<&Below> = under.not_in(jump).collect();
    outln!("\n{name}: {} newly liquidatable with --set", counted(newly.len() as u64, "account"));
    print_below(book, under, &newly, |below| jump.health_of(below.account), top);
    let saved = jump.not_in(under).count() as u64;
    if saved > 0 {
        outln!("{name}: {} liquidatable without --set alone", counted(saved, "account"));
    }
    print_gaps(&format!("{name} with --set"), under);
}

/// What stands still or moves by somebody's word, and what was said in vain, a line each.
fn assumed(shocked: &Shocked) -> Vec<String> {
    let mut lines = Vec::new();
    if !shocked.held.is_empty() {
        lines.push(format!("held: {}", shocked.held.join(", ")));
    }
    for mapping in &shocked.mapped {
        lines.push(format!("mapped: {} = {} * {}", mapping.asset, mapping.like, mapping.times));
    }
    for asset in &shocked.overridden {
        lines.push(format!("overridden: what the scenario says of {asset}"));
    }
    for target in &shocked.without_effect {
        let mapped = shocked.mapped.iter().any(|mapping| mapping.asset == *target);
        let whose = if mapped { "--map says" } else { "the scenario says" };
        lines.push(format!(
            "without effect: no price that anything hangs on moves by what {whose} of {target}"
        ));
    }
    for (market, asset, price) in &shocked.constant {
        lines.push(format!("constant: {market} takes {asset} at {price}, whatever happens"));
    }
    for market in &shocked.undelayed {
        lines.push(format!("{market}: as if the prices had gone through its delayed oracle"));
    }
    lines
}

fn print_assumed(shocked: &Shocked) {
    for line in assumed(shocked) {
        outln!("{line}");
    }
}

fn print_below(
    book: &Book,
    jump: &Jump,
    below: &[&Below],
    before: impl Fn(&Below) -> Option<Ratio>,
    top: usize,
) {
    if below.is_empty() || top == 0 {
        return;
    }
    let mut rows = columns(&["account", "market", "health before", "after", "collateral", "debt"], 2..6);
    for below in below.iter().take(top) {
        let listed = &book.accounts[below.account];
        let decimals = jump.markets[listed.market].risk.decimals;
        let money = |value: Option<Int>| value.map_or_else(|| "-".into(), |v| show::amount(v, decimals, 2));
        let health = |health: Option<Ratio>| health.map_or_else(|| "-".into(), |h| h.to_string());
        rows.add_row([
            listed.name.clone(),
            book.markets[listed.market].name.clone(),
            health(before(below)),
            health(below.after),
            money(below.collateral),
            money(below.debt),
        ]);
    }
    outln!("{}", rows.trim_fmt());
    if below.len() > top {
        outln!("{} of {} shown", top, counted(below.len() as u64, "account"));
    }
}

/// What is in no sum.
fn print_gaps(name: &str, jump: &Jump) {
    let unsummed: u64 = jump.markets.iter().map(|impact| impact.unsummed[1]).sum();
    let unplayed: u64 = jump.markets.iter().map(|impact| impact.unplayed).sum();
    if unsummed > 0 {
        outln!("{name}: {} in no sum, as the venue has no answer", counted(unsummed, "liquidatable account"));
    }
    if unplayed > 0 {
        let accounts = counted(unplayed, "account");
        outln!("{name}: the liquidation of {accounts} was not played to its end");
    }
}
