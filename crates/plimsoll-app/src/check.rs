//! `plimsoll check`: the whole book in one table.

use crate::args::CheckArgs;
use crate::ask::{refusal_json, words};
use crate::gaps::Gaps;
use crate::select::{Choice, Shown};
use crate::show::{errln, outln};
use crate::{exit, exposure, outlook, sheet, show, survey};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use plimsoll::{
    Auction, Check, Identity, Lookout, MarketInfo, Ratio, Row, Severity, Tier, Total, Unsound, check_some,
};
use plimsoll_core::{
    Assessment, Book, BranchHealth, Certainty, Figure, Int, Judgement, Renewed, Time, U256, Verdict,
};
use plimsoll_io::book::Opened;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;

pub(crate) fn run(args: &CheckArgs) -> u8 {
    if args.against_chain {
        return crate::chain::against(args);
    }
    if !args.rpc.rpc.is_empty() {
        errln!("plimsoll: --rpc: nothing is asked of a chain without --against-chain");
        return exit::USAGE;
    }
    let (ladder, choice) = match (args.ladder(), Choice::of(args)) {
        (Ok(ladder), Ok(choice)) => (ladder, choice),
        (Err(why), _) | (_, Err(why)) => {
            errln!("plimsoll: {why}");
            return exit::USAGE;
        }
    };
    if args.totals || args.csv || args.parquet.is_some() {
        return survey::run(args, &ladder, &choice);
    }
    let (mut book, gaps) = match open_for(args) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let Some(at) = time_of(&book, args.at.as_deref()) else { return exit::USAGE };
    // A choice that nothing can meet is a slip, unless what was meant is among what was left out.
    if gaps.faults.is_empty()
        && let Some(code) = choice.unknown(&book)
    {
        return code;
    }
    book.at = at;
    let lookout = Lookout::new(&book, at);
    let answer = check_some(&book, at, &ladder, |seen| choice.places(&book, seen, lookout.as_ref().ok()));
    match answer.and_then(|answer| Ok((answer, lookout?))) {
        Ok((answer, lookout)) => {
            let shown = choice.shown(&book, &answer.rows, &lookout);
            if args.json {
                outln!("{:#}", as_json(&book, &answer, &shown, &gaps));
            } else {
                print(&book, &answer, &shown, &gaps);
            }
            gaps.code(answer.severity(), answer.accounts)
        }
        Err(unsound) => refused(&unsound),
    }
}

/// The exit code of an answer.
pub(crate) fn code(severity: Severity) -> u8 {
    match severity {
        Severity::Calm => exit::CALM,
        Severity::Unknown => exit::UNKNOWN,
        Severity::Unhealthy => exit::UNHEALTHY,
    }
}

/// A market cannot stand at the time asked about; told.
pub(crate) fn refused((market, refusal): &Unsound) -> u8 {
    errln!("plimsoll: market {market}: {refusal} [{}]", refusal.code());
    exit::FAULTY
}

/// Reads a book; its faults go to stderr. Unless the caller keeps going, a fault ends it.
pub(crate) fn open(path: &Path, keep_going: bool) -> Result<(Book, Gaps), u8> {
    let (book, gaps) = opened(path);
    if gaps.faults.is_empty() || (keep_going && !book.markets.is_empty()) {
        return Ok((book, gaps));
    }
    if gaps.all || keep_going {
        errln!("plimsoll: nothing was judged: nothing of it is sound");
    } else {
        let left_out = match gaps.counted() {
            none if none == "0 accounts" => "every account".into(),
            some => format!("what is sound, without {some}"),
        };
        errln!("plimsoll: nothing was judged; with --keep-going `check` and `explain` judge {left_out}");
    }
    Err(exit::FAULTY)
}

/// Reads the book that an import takes rules and prices from; it must be sound.
pub(crate) fn template(path: &Path) -> Result<Book, u8> {
    let (book, gaps) = opened(path);
    if gaps.faults.is_empty() {
        return Ok(book);
    }
    errln!("plimsoll: nothing was imported: the template is faulty");
    Err(exit::FAULTY)
}

/// [`open`] for `check`, which tells programs of faults even where it judges nothing.
pub(crate) fn open_for(args: &CheckArgs) -> Result<(Book, Gaps), u8> {
    if !args.json {
        return open(&args.book, args.keep_going);
    }
    let (book, gaps) = opened(&args.book);
    if gaps.faults.is_empty() || (args.keep_going && !book.markets.is_empty()) {
        return Ok((book, gaps));
    }
    let mut json = json!({"format": 1, "provenance": null});
    gaps.add_to(&mut json);
    outln!("{json:#}");
    Err(exit::FAULTY)
}

fn opened(path: &Path) -> (Book, Gaps) {
    let Opened { book, faults, left_out } = plimsoll_io::book::open(path);
    if !faults.is_empty() {
        show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
    }
    let all = !faults.is_empty() && book.accounts.is_empty();
    let gaps = Gaps { faults, left_out, all };
    if !gaps.faults.is_empty() {
        let faults = counted(gaps.faults.count(), "fault");
        let left_out = match gaps.counted() {
            none if none == "0 accounts" => String::new(),
            some => format!("; {some} left out"),
        };
        errln!("plimsoll: {faults} in {}{left_out}", path.display());
    }
    (book, gaps)
}

/// The time asked about, or the book's own; `None` after a message where it cannot be read.
pub(crate) fn time_of(book: &Book, asked: Option<&str>) -> Option<Time> {
    let Some(text) = asked else { return Some(book.at) };
    let time = plimsoll_io::time::parse(text);
    if time.is_none() {
        errln!("plimsoll: --at {text}: found no time, expected unix seconds or like 2026-03-01T12:00:00Z");
    }
    time
}

/// `1 row`, `2 rows`, `3 classes`.
pub(crate) fn counted(n: u64, what: &str) -> String {
    if n != 1 && (what.ends_with('s') || what.ends_with("ch")) {
        return format!("{n} {what}es");
    }
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

const COLUMNS: [&str; 13] = [
    "account",
    "market",
    "tier",
    "health",
    "ratio %",
    "minimum %",
    "buffer %",
    "collateral",
    "debt",
    "available",
    "excess",
    "the venue's own",
    "note",
];

fn print(book: &Book, answer: &Check, shown: &[Shown<'_>], gaps: &Gaps) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns());
    for column in 3..11 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for shown in shown {
        table.add_row(shown_cells(book, shown));
    }
    outln!("{}", table.trim_fmt());
    outln!();
    print_prices(&answer.markets);
    print_totals(answer.accounts, &answer.tiers, &answer.totals);
    print_coming(answer.coming);
    gaps.print();
    outln!("\n{}", origin(&answer.identity));
    outln!("every number is exact, in the venue's own rounding; cut, never rounded, where it is shown");
    if (shown.len() as u64) < answer.accounts {
        outln!("{} of {} shown; totals are of all", shown.len(), counted(answer.accounts, "account"));
    }
    outln!("how one came about: plimsoll explain BOOK ACCOUNT; what kills it: plimsoll outlook BOOK ACCOUNT");
}

/// What an answer was computed from, on one line.
pub(crate) fn origin(identity: &Identity) -> String {
    let Identity { book, hash, at, program } = identity;
    format!("as of {} · book {book} · hash {} · plimsoll {program}", show::time(*at), &hash[..16])
}

/// What stands in the table of `check` alone, before the venue's own number.
const AHEAD: [&str; 2] = ["nearest factor", "interest alone"];
const AHEAD_AT: usize = 11;

/// Every column of the table, in order.
pub(crate) fn columns() -> Vec<&'static str> {
    let mut columns = COLUMNS.to_vec();
    columns.splice(AHEAD_AT..AHEAD_AT, AHEAD);
    columns
}

pub(crate) fn shown_cells(book: &Book, shown: &Shown<'_>) -> Vec<String> {
    let mut cells = cells(book, shown.row);
    let verdict = shown.row.liquidation.own.ok().map(|own| own.verdict);
    cells.splice(AHEAD_AT..AHEAD_AT, outlook::columns(book, &shown.outlook, verdict));
    if let Some(note) = cells.last_mut() {
        // A queued price that liquidates is told by what the venue has in store.
        let fed = shown.row.coming.as_ref().filter(|_| !outlook::queue_liquidates(&shown.outlook));
        let fed = fed.map(|coming| outlook::arriving(book.at, coming));
        let ends = at_both_ends(book, shown.row);
        let ends = ends.map(|feed| format!("unhealthy at both ends of what {feed} may be"));
        let more = ends.into_iter().chain(outlook::basis(book, &shown.outlook));
        let more = more.chain(outlook::coming(book.at, &shown.outlook)).chain(fed);
        let more = more.chain(exposure::blind_notes(book, &shown.outlook.blind));
        for more in more {
            let between = if note.is_empty() { "" } else { "; " };
            *note = format!("{note}{between}{more}");
        }
    }
    cells
}

/// The feed at both ends of which an account is unhealthy of which it is unknown what lies between.
fn at_both_ends(book: &Book, row: &Row) -> Option<String> {
    matches!(row.liquidation.certainty, Certainty::Undetermined(_))
        .then(|| plimsoll::unhealthy_at_both_ends(book, row.account))?
}

fn cells(book: &Book, row: &Row) -> Vec<String> {
    let listed = &book.accounts[row.account];
    let unit = row.liquidation.own.map_or(0, |a| a.unit.decimals);
    let money = |value: Option<Int>| value.map_or_else(|| "-".into(), |value| show::amount(value, unit, 2));
    let own = row.liquidation.own.ok();
    let borrowing = row.borrowing.own.map_or(0, |a| a.unit.decimals);
    let percent = |ratio: &Option<Ratio>| ratio.as_ref().map_or_else(|| "-".into(), |r| r.digits(2, 2));
    vec![
        listed.name.clone(),
        book.markets[listed.market].name.clone(),
        row.tier.name().into(),
        row.health.as_ref().map_or_else(|| "-".into(), ToString::to_string),
        percent(&row.ratio),
        percent(&row.minimum),
        row.buffer.map_or_else(|| "-".into(), |buffer| show::amount(buffer, 4, 2)),
        money(own.map(|a| a.collateral)),
        money(own.map(|a| a.debt)),
        row.available.map_or_else(|| "-".into(), |value| show::amount(value, borrowing, 2)),
        money(row.excess),
        headline(row),
        note(row),
    ]
}

/// The venue's own number, by convention the last of its figures.
fn headline(row: &Row) -> String {
    match (row.own.last(), row.health) {
        (Some(figure), Some(_)) => {
            format!("{} {}", figure.name, show::exact(figure.value, figure.unit.decimals))
        }
        _ => "-".into(),
    }
}

/// What the numbers do not say.
fn note(row: &Row) -> String {
    let mut notes = Vec::new();
    match (row.liquidation.certainty, row.liquidation.own) {
        (Certainty::Certain | Certainty::Unanswered, Err(refusal)) => {
            notes.push(format!("{refusal} [{}]", refusal.code()))
        }
        (Certainty::Certain | Certainty::NoDebt | Certainty::Unanswered, _) => {}
        (Certainty::Safe { why, at_least }, _) => {
            notes.push(format!(
                "a price is {why}; health is at least {at_least} % whatever it is, and the tier is of that"
            ));
        }
        (Certainty::Unsafe(why), _) => notes.push(format!("a price is {why}; unhealthy whatever it is")),
        (Certainty::Undetermined(why), own) => {
            let venue = match own {
                Ok(own) => format!("; the venue itself would say {}", word(own.verdict)),
                Err(refusal) => format!("; the venue has no answer: {refusal}"),
            };
            notes.push(format!("a price is {why}, and it decides{venue}"));
        }
    }
    if let Ok(Assessment { verdict: Verdict::Unhealthy, executable: Err(refusal), .. }) = row.liquidation.own
    {
        notes.push(format!("not executable now: {refusal} [{}]", refusal.code()));
    }
    if let Some([owed, least]) = &row.below_least {
        let [owed, least_shown] =
            [owed, least].map(|figure| show::amount(figure.value, figure.unit.decimals, 2));
        notes.push(format!(
            "{owed} are owed, below the {} of {least_shown}: probably a slip of units",
            least.name
        ));
    }
    notes.extend(row.sheet.as_ref().and_then(sheet::note));
    notes.extend(row.renewed.as_ref().map(renewed));
    notes.extend(row.branch.as_ref().and_then(branch));
    if let Some(view) = &row.view {
        notes.push(format!("the getter still says {}", word(view.verdict)));
    }
    notes.join("; ")
}

/// What an account that is judged by older parameters has to know before it acts.
pub(crate) fn renewed(renewed: &Renewed) -> String {
    let Renewed { health, verdict } = renewed;
    let is = format!("{} is {}", health.name, show::amount(health.value, health.unit.decimals, 6));
    match verdict {
        Verdict::NoDebt => "older parameters are in force for it: its next loan or withdrawal of collateral puts the newest in \
             force (no debt)"
            .into(),
        Verdict::Healthy => format!(
            "judged by older parameters: its next loan or withdrawal of collateral puts the newest in force, under which {is}"
        ),
        Verdict::Unhealthy => format!(
            "judged by older parameters: a loan or a withdrawal of collateral would be judged by the newest, under which {is}, and \
             be refused"
        ),
    }
}

/// The same for programs.
pub(crate) fn renewed_json(renewed: &Renewed) -> Value {
    let Renewed { health, verdict } = renewed;
    json!({
        "name": health.name,
        "value": (*verdict != Verdict::NoDebt).then(|| health.value.to_string()),
        "unit": health.unit.name,
        "decimals": health.unit.decimals,
        "verdict": word(*verdict),
    })
}

/// What stands in the way of a whole branch; `None` where nothing does.
pub(crate) fn branch(branch: &BranchHealth) -> Option<String> {
    let BranchHealth { ratio, restricted, shut_down, since, .. } = *branch;
    let percent = |ratio: U256| format!("{} %", show::amount(ratio.into(), 16, 2));
    let Some(ratio) = ratio else {
        return Some(
            "its branch's ratio is unknown: whether anybody may shut the branch down is as well".into(),
        );
    };
    let is = format!("its branch stands at {}", percent(ratio));
    if let Some(since) = since {
        return Some(format!(
            "its branch was shut down at {}: anybody may redeem urgently, whatever rate it pays",
            show::time(since)
        ));
    }
    if ratio < shut_down {
        return Some(format!(
            "{is}, below SCR of {}: anybody may shut it down and redeem urgently, whatever rate it pays",
            percent(shut_down)
        ));
    }
    (ratio < restricted).then(|| {
        format!(
            "{is}, below CCR of {}: nothing is lent, and collateral goes out only against a repayment",
            percent(restricted)
        )
    })
}

/// The same for programs.
pub(crate) fn branch_json(branch: &BranchHealth) -> Value {
    let below = |least: U256| branch.ratio.map(|ratio| ratio < least);
    json!({
        "ratio": branch.ratio.map(|ratio| ratio.to_string()),
        "ccr": branch.restricted.to_string(),
        "scr": branch.shut_down.to_string(),
        "decimals": 18,
        "below_ccr": below(branch.restricted),
        "below_scr": below(branch.shut_down),
        "shut_down": branch.since.map(|since| since.0),
    })
}

pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NoDebt => "no debt",
        Verdict::Healthy => "healthy",
        Verdict::Unhealthy => "unhealthy",
    }
}

pub(crate) fn print_prices(markets: &[MarketInfo]) {
    for market in markets {
        outln!(
            "{} · {} {} · state of {}",
            market.name,
            market.venue,
            market.revision,
            show::time(market.updated)
        );
        let prices = market.prices.iter().map(|price| {
            let value = price.value.map_or_else(|| "none".into(), |v| show::exact(v, price.decimals));
            let age = price.age.map_or_else(String::new, |age| format!(", {} old", show::age(age)));
            let doubt =
                price.doubt.map_or_else(String::new, |why| format!(", {}", why.to_string().to_uppercase()));
            let blind = price.sight.filter(|sight| sight.is_blind());
            let blind = blind.map_or_else(String::new, |sight| format!(", {}: sees no market", sight.name()));
            format!("  {} {value} {} ({}{age}{doubt}{blind})", price.name, price.currency, price.kind)
        });
        outln!("{}", prices.collect::<Vec<_>>().join("\n"));
        if let Some(line) = kept(&market.kept) {
            outln!("{line}");
        }
        market.auctions.iter().for_each(print_auction);
    }
}

/// The prices that a market keeps itself, as one line.
pub(crate) fn kept(figures: &[Figure]) -> Option<String> {
    let show =
        |figure: &Figure| format!("{} {}", figure.name, show::exact(figure.value, figure.unit.decimals));
    let all: Vec<String> = figures.iter().map(show).collect();
    (!all.is_empty()).then(|| format!("  the venue keeps: {}", all.join(", ")))
}

fn print_auction(auction: &Auction) {
    let Auction { of, asset, decimals, running } = auction;
    let figure =
        |figure: &Figure| format!("{} {}", figure.name, show::exact(figure.value, figure.unit.decimals));
    let asks = running.asks.as_ref().map_or_else(words, figure);
    let open = running.open.as_ref().err().map_or_else(String::new, |why| format!("; {}", words(why)));
    let lot = show::exact(running.lot.1.into(), *decimals);
    let (number, raises) = (running.number, figure(&running.raises));
    outln!("  auction {number}: {lot} {asset} of {of}, {asks}, {raises} to be raised{open}");
}

pub(crate) fn print_totals(accounts: u64, tiers: &BTreeMap<Tier, u64>, totals: &[Total]) {
    outln!();
    let counts = Tier::ALL
        .iter()
        .rev()
        .filter_map(|tier| tiers.get(tier).map(|count| format!("{count} {}", tier.name())));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let counts = if accounts == 0 { "nothing was judged".into() } else { counts };
    outln!("{}: {counts}", counted(accounts, "account"));
    for total in totals {
        let Total { currency, decimals, .. } = total;
        let show = |value: Int| show::amount(value, *decimals, 2);
        outln!(
            "{currency}: collateral {}, debt {}, of liquidatable accounts {} and {}, uncovered {} ({})",
            show(total.collateral),
            show(total.debt),
            show(total.collateral_liquidatable),
            show(total.debt_liquidatable),
            show::missing(total.uncovered, *decimals, 2),
            counted(total.accounts, "account"),
        );
    }
    let left = unsummed(accounts, totals);
    if left > 0 {
        outln!("in no sum: {}, of which the venue has no answer", counted(left, "account"));
    }
}

/// How many accounts are still above their line that prices on their way will take below it.
pub(crate) fn print_coming(coming: u64) {
    if coming > 0 {
        outln!(
            "above the line, and below it by a price on its way to the venue: {}",
            counted(coming, "account")
        );
    }
}

/// How many of so many accounts are in no sum, because the venue cannot value them.
pub(crate) fn unsummed(accounts: u64, totals: &[Total]) -> u64 {
    accounts.saturating_sub(totals.iter().map(|total| total.accounts).sum())
}

// ---- JSON: amounts are strings, and no figure goes without what it rests on ----------------------------------------

pub(crate) fn provenance_json(identity: &Identity) -> Value {
    json!({
        "kind": "exact",
        "book": identity.book,
        "book_hash": identity.hash,
        "at": identity.at.0,
        "program": format!("plimsoll {}", identity.program),
    })
}

pub(crate) fn figures_json(figures: &[Figure]) -> Value {
    figures
        .iter()
        .map(|figure| {
            json!({
                "name": figure.name,
                "value": figure.value.to_string(),
                "unit": figure.unit.name,
                "decimals": figure.unit.decimals,
            })
        })
        .collect()
}

/// The line of borrowing: a liquidation is no matter of it.
pub(crate) fn borrowing_json(judgement: &Judgement) -> Value {
    let mut json = judgement_json(judgement);
    if json["venue"].get("executable").is_some() {
        json["venue"]["executable"] = Value::Null;
    }
    json
}

pub(crate) fn judgement_json(judgement: &Judgement) -> Value {
    let (certainty, doubt) = match judgement.certainty {
        Certainty::Certain => ("certain", None),
        Certainty::NoDebt => ("no debt", None),
        Certainty::Safe { why, .. } => ("safe", Some(why)),
        Certainty::Unsafe(why) => ("unsafe", Some(why)),
        Certainty::Undetermined(why) => ("undetermined", Some(why)),
        Certainty::Unanswered => ("unanswered", None),
    };
    json!({
        "verdict": judgement.verdict().map_or("unknown", word),
        "certainty": certainty,
        "doubt": doubt.map(|why| why.to_string()),
        "venue": match judgement.own {
            Ok(own) => json!({
                "verdict": word(own.verdict),
                "backing": own.backing.to_string(),
                "requirement": own.requirement.to_string(),
                "collateral": own.collateral.to_string(),
                "debt": own.debt.to_string(),
                "unit": own.unit.name,
                "decimals": own.unit.decimals,
                // Of what is not unhealthy there is nothing to execute.
                "executable": (own.verdict == Verdict::Unhealthy).then_some(own.executable.is_ok()),
                "refusal": own.executable.err().map(|r| json!({"code": r.code(), "message": r.to_string()})),
            }),
            Err(refusal) => json!({"refusal": {"code": refusal.code(), "message": refusal.to_string()}}),
        },
    })
}

fn as_json(book: &Book, answer: &Check, shown: &[Shown<'_>], gaps: &Gaps) -> Value {
    let Check { identity, markets, accounts, totals, tiers, .. } = answer;
    let mut json = sums_json(identity, markets, *accounts, (tiers, totals), gaps);
    json["coming"] = answer.coming.into();
    json["accounts"] = shown.iter().map(|shown| shown_json(book, shown)).collect();
    json
}

/// The answer but for its accounts.
pub(crate) fn sums_json(
    identity: &Identity,
    markets: &[MarketInfo],
    accounts: u64,
    (tiers, totals): (&BTreeMap<Tier, u64>, &[Total]),
    gaps: &Gaps,
) -> Value {
    let unknown = tiers.get(&Tier::Unknown).copied().unwrap_or(0);
    let mut provenance = provenance_json(identity);
    if let Value::Object(fields) = &mut provenance {
        fields.insert("accounts".into(), json!(accounts));
        fields.insert("unknown".into(), json!(unknown));
    }
    let mut json = json!({
        "format": 1,
        "provenance": provenance,
        "markets": markets.iter().map(market_json).collect::<Vec<_>>(),
        "tiers": tiers.iter().map(|(tier, count)| (tier.name().to_string(), json!(count)))
            .collect::<serde_json::Map<_, _>>(),
        "totals": totals.iter().map(total_json).collect::<Vec<_>>(),
        "unsummed": unsummed(accounts, totals),
    });
    gaps.add_to(&mut json);
    json
}

fn market_json(market: &MarketInfo) -> Value {
    json!({
        "name": market.name,
        "venue": market.venue,
        "revision": market.revision,
        "currency": market.currency,
        "state_at": market.updated.0,
        "prices": market.prices.iter().map(|price| json!({
            "asset": price.asset,
            "name": price.name,
            "feed": price.feed,
            "kind": price.kind,
            "value": price.value.map(|value| value.to_string()),
            "decimals": price.decimals,
            "age": price.age,
            "doubt": price.doubt.map(|why| why.to_string()),
            "sees": price.sight.map(plimsoll_core::Sight::name),
        })).collect::<Vec<_>>(),
        "kept": figures_json(&market.kept),
        "auctions": market.auctions.iter().map(auction_json).collect::<Vec<_>>(),
    })
}

fn auction_json(auction: &Auction) -> Value {
    let Auction { of, asset, decimals, running } = auction;
    json!({
        "number": running.number,
        "of": of,
        "asset": asset,
        "decimals": decimals,
        "lot": running.lot.1.to_string(),
        "raises": figures_json(&[running.raises])[0],
        "asks": running.asks.as_ref().ok().map(|asks| figures_json(&[*asks])[0].clone()),
        "open": running.open.is_ok(),
        "refusal": running.open.as_ref().err().map(refusal_json),
    })
}

pub(crate) fn shown_json(book: &Book, shown: &Shown<'_>) -> Value {
    let mut account = row_json(book, shown.row);
    account["unhealthy_at_both_ends_of"] = at_both_ends(book, shown.row).into();
    account["outlook"] = outlook::as_json(book, shown.row.account, &shown.outlook);
    account
}

pub(crate) fn row_json(book: &Book, row: &Row) -> Value {
    let listed = &book.accounts[row.account];
    let ratio = |ratio: &Option<Ratio>| {
        ratio.as_ref().map(|ratio| {
            json!({
                "numerator": ratio.numerator.to_string(),
                "denominator": ratio.denominator().to_string(),
                "shown": ratio.digits(0, 18),
            })
        })
    };
    let unit = |judgement: &Judgement| judgement.own.ok().map(|own| own.unit);
    let (liquidation, borrowing) = (unit(&row.liquidation), unit(&row.borrowing));
    json!({
        "account": listed.name,
        "owner": listed.owner,
        "market": book.markets[listed.market].name,
        "tier": row.tier.name(),
        "health": ratio(&row.health),
        "collateralization_ratio": ratio(&row.ratio),
        "minimum_ratio": ratio(&row.minimum),
        "buffer_points": row.buffer.map(|buffer| show::exact(buffer, 4)),
        "available_to_borrow": row.available.map(|value| value.to_string()),
        "available_because": row.available_because.as_ref().map(refusal_json),
        "available_unit": borrowing.map(|unit| unit.name),
        "available_decimals": borrowing.map(|unit| unit.decimals),
        "excess": row.excess.map(|value| value.to_string()),
        "excess_unit": liquidation.map(|unit| unit.name),
        "excess_decimals": liquidation.map(|unit| unit.decimals),
        "liquidation": judgement_json(&row.liquidation),
        "borrowing": borrowing_json(&row.borrowing),
        "branch": row.branch.as_ref().map(branch_json),
        "scenarios": row.sheet.as_ref().map(sheet::json),
        "renewed": row.renewed.as_ref().map(renewed_json),
        "below_least": row.below_least.as_ref().map(|both| figures_json(both)),
        "coming": row.coming.as_ref().map(outlook::arriving_json),
        "getter_verdict": row.view.map(|view| word(view.verdict)),
        "own": figures_json(&row.own),
    })
}

pub(crate) fn total_json(total: &Total) -> Value {
    json!({
        "currency": total.currency,
        "decimals": total.decimals,
        "accounts": total.accounts,
        "collateral": total.collateral.to_string(),
        "debt": total.debt.to_string(),
        "collateral_liquidatable": total.collateral_liquidatable.to_string(),
        "debt_liquidatable": total.debt_liquidatable.to_string(),
        "uncovered": total.uncovered.to_string(),
    })
}
