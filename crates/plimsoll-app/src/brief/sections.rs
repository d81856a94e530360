//! What a brief says to people, as tables: the terminal and the page show the same ones.

mod ground;

pub(super) use ground::{feed_words, way};

use super::Told;
use crate::ask::words;
use crate::check::{counted, origin};
use crate::outlook;
use crate::show::{self, outln};
use crate::whatif::table;
use plimsoll::{AccountChange, Amounts, Attribution, OwnerChange, Ratio, SumChange, Tier, Untold};
use plimsoll_core::Int;

/// A table with a heading. A column whose name begins with `>` has numbers; without columns there are lines alone.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
    /// What stands below the table.
    pub(super) lines: Vec<String>,
}

impl Section {
    fn new(title: &str, lead: &str, columns: &[&'static str]) -> Section {
        let (title, lead, columns) = (title.into(), lead.into(), columns.to_vec());
        Section { title, lead, columns, rows: Vec::new(), lines: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.lines.is_empty()
    }
}

/// All of it, in the order of reading.
pub(super) fn sections(told: &Told<'_>) -> Vec<Section> {
    let all = [
        worst(told),
        why(told),
        moved(told),
        coming(told),
        tiers(told),
        sums(told),
        owners(told),
        ground::markets(told),
        ground::feeds(told),
    ];
    all.into_iter().filter(|section| !section.is_empty()).collect()
}

pub(super) fn print(told: &Told<'_>) {
    outln!("{}", heading(told));
    for Section { title, lead, columns, rows, lines } in sections(told) {
        outln!(
            "\n{}{}",
            title.to_uppercase(),
            if lead.is_empty() { String::new() } else { format!(": {lead}") }
        );
        if !rows.is_empty() {
            let names: Vec<&str> = columns.iter().map(|name| name.trim_start_matches('>')).collect();
            let mut shown = table(&names, 0..0);
            for (at, _) in columns.iter().enumerate().filter(|(_, name)| name.starts_with('>')) {
                if let Some(column) = shown.column_mut(at) {
                    column.set_cell_alignment(comfy_table::CellAlignment::Right);
                }
            }
            rows.into_iter().for_each(|row| {
                shown.add_row(row);
            });
            outln!("{}", shown.trim_fmt());
        }
        lines.iter().for_each(|line| outln!("{line}"));
    }
    outln!();
    foot(told).iter().for_each(|line| outln!("{line}"));
}

/// Which book, from when to when.
pub(super) fn heading(told: &Told<'_>) -> String {
    let [was, is] = &told.answer.identities;
    let whose = told.owner.map_or_else(String::new, |owner| format!("{owner}, in "));
    let passed = show::age(is.at.since(was.at).unwrap_or(0));
    format!("{whose}{}: {} to {}, {passed}", is.book, show::time(was.at), show::time(is.at))
}

/// What it rests on.
pub(super) fn foot(told: &Told<'_>) -> Vec<String> {
    let [was, is] = &told.answer.identities;
    let mut lines = vec![
        origin(is),
        format!("since {}", origin(was).trim_start_matches("as of ")),
        "every number is exact, in the venue's own rounding; cut, never rounded, where it is shown: uncut, the parts add to the change".into(),
    ];
    if told.owner.is_some() {
        lines.push("the exit code is of the whole book".into());
    }
    lines
}

/// The parts of a change, by their columns.
const PARTS: [&str; 6] = [">change", ">own actions", ">interest", ">parameters", ">prices", ">not split"];

/// The change of headroom and its parts.
fn parts(change: &Attribution, decimals: u8) -> Vec<String> {
    let headroom = |amounts: Amounts| amounts.headroom;
    let mut cells = vec![told_or_unknown(change.change().map(headroom), decimals)];
    cells.extend(change.parts.iter().map(|part| told_or_unknown(part.map(headroom), decimals)));
    cells.push(told_or_unknown(change.unsplit.map(headroom), decimals));
    cells
}

/// Why parts of a change are missing.
fn unsplit(told: &Told<'_>, one: &AccountChange) -> Option<String> {
    let market = &told.answer.markets[one.market].name;
    one.change.untold.map(|why| format!("{market}:{}: not split in full: {}", one.name, untold(why)))
}

fn worst(told: &Told<'_>) -> Section {
    let columns =
        ["account", "market", "tier", ">health", ">headroom", "nearest factor", "interest alone", "note"];
    let lead = "and what kills each next; headroom is what counts for it less what its venue asks";
    let mut section = Section::new("Worst accounts", lead, &columns);
    for one in &told.answer.worst {
        let (mut ahead, mut note) = ([String::new(), String::new()], Vec::new());
        if let Some((outlook, own)) = told.ahead(one) {
            ahead = outlook::columns(told.newer, &outlook, own);
            note.extend(outlook::basis(told.newer, &outlook));
            note.extend(outlook::coming(told.newer.at, &outlook));
            let fed = one.coming.as_ref().filter(|_| !outlook::queue_liquidates(&outlook));
            note.extend(fed.map(|coming| outlook::arriving(told.newer.at, coming)));
        }
        note.extend(one.renewed.as_ref().map(crate::check::renewed));
        let market = &told.answer.markets[one.market];
        let mut cells = vec![one.name.clone(), market.name.clone(), tier(one.tiers), health(one.health)];
        let headroom = |after: Amounts| show::amount(after.headroom, market.sum.decimals, 2);
        cells.push(one.change.after.map_or_else(|| "unknown".into(), headroom));
        cells.extend(ahead);
        cells.push(note.join("; "));
        section.rows.push(cells);
    }
    section
}

/// The parts of what [`worst`] has.
fn why(told: &Told<'_>) -> Section {
    let lead = "the change of each one's headroom, in parts that add";
    let columns = [&["account", "market"][..], &PARTS].concat();
    let mut section = Section::new("Why they stand there", lead, &columns);
    for one in &told.answer.worst {
        let market = &told.answer.markets[one.market];
        let mut cells = vec![one.name.clone(), market.name.clone()];
        cells.extend(parts(&one.change, market.sum.decimals));
        section.rows.push(cells);
    }
    for rest in told.answer.rest.iter().filter(|_| !told.answer.worst.is_empty()) {
        let all = rest.accounts[0].max(rest.accounts[1]) + rest.unvalued[0].max(rest.unvalued[1]);
        let mut cells = vec![format!("all others, {all}"), rest.currency.clone()];
        let change = rest.change().map(|change| change.headroom);
        cells.push(told_or_unknown(change, rest.decimals));
        cells.extend(rest.parts.iter().map(|part| signed(part.headroom, rest.decimals)));
        cells.push(signed(rest.unsplit.headroom, rest.decimals));
        section.rows.push(cells);
        section.lines.extend(uncompared(rest).map(|line| format!("all others, {}: {line}", rest.currency)));
    }
    section.lines.extend(told.answer.worst.iter().filter_map(|one| unsplit(told, one)));
    section
}

fn moved(told: &Told<'_>) -> Section {
    let lead = "who fell first, then who rose, who came and who is gone; the change of headroom, and by what";
    let columns = [&["account", "market", "tier", ">health"][..], &PARTS].concat();
    let mut section = Section::new("Changed tier", lead, &columns);
    for one in &told.answer.moved {
        let market = &told.answer.markets[one.market];
        let mut cells = vec![one.name.clone(), market.name.clone(), tier(one.tiers), health(one.health)];
        cells.extend(parts(&one.change, market.sum.decimals));
        section.rows.push(cells);
    }
    section.lines.extend(cut(told.answer.moved.len(), told.answer.found[0]));
    section.lines.extend(told.answer.moved.iter().filter_map(|one| unsplit(told, one)));
    section
}

fn coming(told: &Told<'_>) -> Section {
    let lead = "above the line, and below it by a price on its way to the venue";
    let mut section = Section::new("Coming", lead, &["account", "market", ">health", "note"]);
    for one in &told.answer.coming {
        let market = told.answer.markets[one.market].name.clone();
        let health = one.health[1].map_or_else(|| "-".into(), |health| health.to_string());
        let note = one.coming.as_ref().map_or_else(String::new, |it| outlook::arriving(told.newer.at, it));
        section.rows.push(vec![one.name.clone(), market, health, note]);
    }
    section.lines.extend(cut(told.answer.coming.len(), told.answer.found[1]));
    section
}

fn cut(shown: usize, all: u64) -> Option<String> {
    (all > shown as u64).then(|| format!("{shown} of {all} shown"))
}

fn tiers(told: &Told<'_>) -> Section {
    let mut section = Section::new("Tiers", "", &["tier", ">before", ">now", ">change"]);
    let count = |end: usize, tier: Tier| told.answer.tiers[end].get(&tier).copied().unwrap_or(0);
    for tier in Tier::ALL.into_iter().rev() {
        let [before, after] = [count(0, tier), count(1, tier)];
        if before + after > 0 {
            let change = if before == after {
                "0".into()
            } else {
                format!("{:+}", i128::from(after) - i128::from(before))
            };
            section.rows.push(vec![tier.name().into(), before.to_string(), after.to_string(), change]);
        }
    }
    let moves = told.answer.transitions.iter().filter(|([before, after], _)| before != after);
    let (mut fell, mut rose, mut came, mut gone, mut doubted) = (0, 0, 0, 0, 0);
    for ([before, after], count) in moves {
        doubted += if *after == Some(Tier::Unknown) { *count } else { 0 };
        *match (before, after) {
            (None, _) => &mut came,
            (_, None) => &mut gone,
            (Some(before), Some(after)) if after > before => &mut fell,
            _ => &mut rose,
        } += count;
    }
    let all: u64 = told.answer.transitions.values().sum();
    section.lines.push(format!(
        "of {}: {fell} fell, {rose} rose, {came} new, {gone} gone; {doubted} newly unknown",
        counted(all, "account")
    ));
    section
}

const MONEY: [&str; 10] = [
    "",
    "",
    ">before",
    ">now",
    ">change",
    ">own actions",
    ">interest",
    ">parameters",
    ">prices",
    ">not split",
];

fn sums(told: &Told<'_>) -> Section {
    let mut section = Section::new("Totals", "", &MONEY);
    for sum in &told.answer.sums {
        section.rows.extend(sum_rows(sum));
        section.lines.extend(left_out(sum));
    }
    section
}

const BAD_DEBT: &str = "bad debt";

/// A change of a sum, and whether some accounts are in no change because they have no value.
fn changed(sum: &SumChange, change: Option<Int>) -> String {
    let unvalued = sum.unvalued[0].max(sum.unvalued[1]);
    let valued = sum.accounts[0].max(sum.accounts[1]);
    show::summed(change.map(|it| signed(it, sum.decimals)), valued, unvalued)
}

/// One of several amounts; `None` beyond 256 bits.
type Amount = fn(&Amounts) -> Option<Int>;

fn sum_rows(sum: &SumChange) -> Vec<Vec<String>> {
    let of: [(&str, Amount); 5] = [
        ("collateral", |amounts| Some(amounts.collateral)),
        ("debt", |amounts| Some(amounts.debt)),
        // Made of the two above it.
        ("equity", Amounts::equity),
        ("headroom", |amounts| Some(amounts.headroom)),
        (BAD_DEBT, |amounts| Some(amounts.uncovered)),
    ];
    let row = |(name, of): &(&str, Amount)| {
        let shown = if *name == BAD_DEBT { show::missing } else { show::amount };
        let whole = |end: usize, amounts: &Amounts| {
            let money = of(amounts).map(|it| shown(it, sum.decimals, 2));
            show::summed(money, sum.accounts[end], sum.unvalued[end])
        };
        let part = |amounts: &Amounts| told_or_unknown(of(amounts), sum.decimals);
        let mut cells =
            vec![(*name).into(), sum.currency.clone(), whole(0, &sum.before), whole(1, &sum.after)];
        cells.push(changed(sum, sum.change().as_ref().and_then(of)));
        cells.extend(sum.parts.iter().map(part));
        cells.push(part(&sum.unsplit));
        cells
    };
    let mut rows: Vec<Vec<String>> = of.iter().map(row).collect();
    let ends = |name: String, ends: [Option<Int>; 2], change: String| {
        let [was, is] =
            ends.map(|end| end.map_or_else(|| "unknown".into(), |it| show::amount(it, sum.decimals, 2)));
        vec![name, sum.currency.clone(), was, is, change]
    };
    for (name, of) in of.iter().filter(|_| sum.uncompared_accounts > 0) {
        let both = sum.uncompared.each_ref().map(of);
        if both != [Some(Int::ZERO); 2] {
            rows.push(ends(format!("{name}, not compared"), both, "unknown".into()));
        }
    }
    let [before, after] = sum.unknown;
    if !before.is_zero() || !after.is_zero() {
        // It is whose debt this is that changes, and not the debt alone: there are no parts of it.
        let change = told_or_unknown(after.sub(before), sum.decimals);
        rows.push(ends("debt of the unknown".into(), sum.unknown.map(Some), change));
    }
    rows
}

/// What is in no sum, in no change, and what is not split in it.
fn left_out(sum: &SumChange) -> Option<String> {
    let [before, after] = sum.unvalued;
    let mut told = Vec::new();
    if before + after > 0 {
        told.push(format!(
            "{before} accounts before and {after} now are in no sum, as the venue has no answer"
        ));
    }
    told.extend(uncompared(sum));
    if sum.unsplit_accounts > 0 {
        told.push(format!("the change of {} is not split in full", counted(sum.unsplit_accounts, "account")));
    }
    (!told.is_empty()).then(|| format!("{}: {}", sum.currency, told.join("; ")))
}

/// What is in no change.
fn uncompared(sum: &SumChange) -> Option<String> {
    let count = sum.uncompared_accounts;
    let accounts = counted(count, "account");
    (count > 0).then(|| format!("{accounts} in no change, as the venue has no answer in one of the books"))
}

fn owners(told: &Told<'_>) -> Section {
    let columns =
        ["owner", ">accounts", "worst of them", ">its health", "", ">equity before", ">now", ">change"];
    let lead = "owners of several accounts, by the worst of them; health is never pooled";
    let mut section = Section::new("Owners", lead, &columns);
    for owner in &told.answer.owners {
        section.rows.extend(owner_rows(told, owner));
    }
    section.lines.extend(cut(told.answer.owners.len(), told.answer.several));
    section
}

fn owner_rows(told: &Told<'_>, owner: &OwnerChange) -> Vec<Vec<String>> {
    let market = &told.answer.markets[owner.worst.market].name;
    let [before, after] = owner.accounts;
    let count = if before == after { after.to_string() } else { format!("{before} -> {after}") };
    let worst = format!("{market}:{}, {}", owner.worst.name, tier(owner.worst.tiers));
    let mut head = vec![owner.owner.clone(), count, worst, health(owner.worst.health)];
    let mut rows = Vec::new();
    for sum in &owner.sums {
        let mut row = std::mem::replace(&mut head, vec![String::new(); 4]);
        let money = |end: usize, amounts: Option<Amounts>| {
            let equity = amounts.and_then(|amounts| amounts.equity());
            let equity = equity.map(|it| show::amount(it, sum.decimals, 2));
            show::summed(equity, sum.accounts[end], sum.unvalued[end])
        };
        let [before, after] = sum.valued();
        row.extend([sum.currency.clone(), money(0, before), money(1, after)]);
        let change = sum.change().filter(|_| sum.uncompared_accounts == 0);
        row.push(changed(sum, change.and_then(|change| change.equity())));
        rows.push(row);
    }
    rows
}

/// Why something is not told.
pub(super) fn untold(why: Untold) -> String {
    match why {
        Untold::Refused(refusal) => words(&refusal),
        Untold::Layout => "the older market lists other things, or in another order".into(),
        Untold::OneBook => "the market is in one of the books alone".into(),
        Untold::TooGreat => "more than 256 bits".into(),
    }
}

fn tier([before, after]: [Option<Tier>; 2]) -> String {
    let name = |tier: Option<Tier>, none: &'static str| tier.map_or(none, Tier::name);
    match (before, after) {
        (before, after) if before == after => name(after, "-").into(),
        (before, after) => format!("{} -> {}", name(before, "new"), name(after, "gone")),
    }
}

fn health([before, after]: [Option<Ratio>; 2]) -> String {
    let [before, after] =
        [before, after].map(|health| health.map_or_else(|| "-".into(), |it| it.to_string()));
    if before == after { after } else { format!("{before} -> {after}") }
}

fn told_or_unknown(value: Option<Int>, decimals: u8) -> String {
    value.map_or_else(|| "unknown".into(), |value| signed(value, decimals))
}

/// An amount that was added; of nothing just that.
fn signed(value: Int, decimals: u8) -> String {
    if value.is_zero() {
        return "0".into();
    }
    let sign = if value.is_negative() { "" } else { "+" };
    format!("{sign}{}", show::amount(value, decimals, 2))
}
