//! `plimsoll outlook`: what kills an account, and when; and the columns of it that `check` shows.

mod deviation;

use crate::args::OutlookArgs;
use crate::ask::{opened, print_foot, print_head, refusal_json, renewed_json, tokens, words};
use crate::check::{judgement_json, provenance_json};
use crate::select::Shown;
use crate::show::{errln, outln};
use crate::whatif::table;
use crate::{exit, explain, show};
use deviation::{Deviation, Ground};
use plimsoll::{
    Binds, Boundary, Branch, Carry, Crossing, Distance, Factor, Good, Lookout, Mover, Outlook, Ratio,
    Redemption, Row, Runs, WHOLE, Weight, coming_for,
};
use plimsoll_core::{Book, Decimal, Int, Kind, NextPrice, PriceId, Refusal, Time, U256, Verdict};
use serde_json::{Value, json};

pub(crate) fn run(args: &OutlookArgs) -> u8 {
    let (book, account) = match opened(&args.book, args.at.as_deref(), &args.account) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let mut joint = Vec::new();
    for text in &args.together {
        match together(&book, text) {
            Ok(mover) => joint.push((text.clone(), mover)),
            Err(why) => {
                errln!("plimsoll: --together {text}: {why}");
                return exit::USAGE;
            }
        }
    }
    let ground = match Ground::of(args.history.as_deref(), &args.map) {
        Ok(ground) => ground,
        Err(code) => return code,
    };
    let lookout = match Lookout::new(&book, book.at) {
        Ok(lookout) => lookout,
        Err((market, refusal)) => return stands(&market, &refusal),
    };
    let judgement = match lookout.judge(account) {
        Ok(judgement) => judgement,
        Err(refusal) => return stands(&book.markets[book.accounts[account].market].name, &refusal),
    };
    let outlook = lookout.of(account);
    let coming = coming_for(&book, account).ok().flatten();
    let slots = lookout.slots(account);
    let joint: Vec<(String, Option<Boundary>)> =
        joint.into_iter().map(|(text, mover)| (text, lookout.along(account, mover))).collect();
    if args.json {
        let listed = &book.accounts[account];
        outln!(
            "{:#}",
            json!({
                "format": 1,
                "provenance": provenance_json(&lookout.identity()),
                "account": listed.name,
                "market": book.markets[listed.market].name,
                "liquidation": judgement_json(&judgement),
                "outlook": as_json(&book, account, &outlook),
                "deviations": outlook.factors.iter().filter_map(|factor| deviation_json(&book, factor, &ground))
                    .collect::<Vec<_>>(),
                "coming": coming.as_ref().map(arriving_json),
                "renewed": renewed_json(&book, account),
                "assets": slots.iter()
                    .map(|(name, found)| json!({"asset": name, "price": boundary_json(found)}))
                    .collect::<Vec<_>>(),
                "together": joint.iter()
                    .map(|(text, found)| json!({"feeds": text, "factor": found.as_ref().map(boundary_json)}))
                    .collect::<Vec<_>>(),
            })
        );
    } else {
        print_head(&book, account, &judgement);
        let own = judgement.own.ok().map(|own| own.verdict);
        print(&book, account, own, &outlook, &slots, (&joint, &ground));
        print_foot(&lookout.identity());
    }
    explain::code(&judgement, coming.as_ref())
}

fn stands(market: &str, refusal: &Refusal) -> u8 {
    errln!("plimsoll: market {market}: {}", words(refusal));
    exit::FAULTY
}

/// `ETH/USD,BTC/USD=0.8`: feeds that move together, each with its weight.
fn together(book: &Book, text: &str) -> Result<Mover, String> {
    let mut legs: Vec<(PriceId, Weight)> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
        let named = book.graph.find(name.trim());
        let leaves = named.map_or_else(Vec::new, |id| book.graph.leaves(id));
        if named.is_some_and(|id| leaves != [id]) {
            let of: Vec<String> =
                leaves.iter().map(|leaf| format!("`{}`", self::name(book, *leaf))).collect();
            let of = of.join(", ");
            return Err(format!(
                "`{name}` is derived from {of}; expected feeds, which take along what is derived"
            ));
        }
        let Some(id) = named else {
            let names = book.graph.prices().iter().map(|price| price.name.as_str());
            let near = plimsoll_io::fault::nearest_price(name, names);
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(format!("found `{name}`, expected the name of a feed{hint}"));
        };
        if legs.iter().any(|(leg, _)| *leg == id) {
            return Err(format!("`{name}` stands twice"));
        }
        let found = weight.trim().parse::<Decimal>().ok().and_then(|weight| weight.scaled(8).ok());
        let small = found.filter(|weight| weight.magnitude() <= U256::from(100 * WHOLE));
        let whole = small.and_then(|weight| weight.to_string().parse::<Weight>().ok());
        let Some(weight) = whole.filter(|weight| *weight != 0) else {
            return Err(format!(
                "found the weight `{weight}`, expected one from -100 to 100, but not 0, with at most 8 digits after the point"
            ));
        };
        legs.push((id, weight));
    }
    Ok(Mover::Joint(legs))
}

// ---- for people -----------------------------------------------------------------------------------------------------

/// The two columns of `check`: the nearest factor, and when interest alone is enough.
pub(crate) fn columns(book: &Book, outlook: &Outlook, own: Option<Verdict>) -> [String; 2] {
    let nearest = outlook.factors.first().and_then(|factor| Some((factor, factor.nearest()?)));
    let unproven = |crossing: Crossing| matches!(crossing, Crossing::Unproven(_));
    let lost = |factor: &Factor| unproven(factor.boundary.down) || unproven(factor.boundary.up);
    let nearest = nearest.map_or_else(
        || if outlook.factors.iter().any(lost) { "not proven".into() } else { "-".into() },
        |(factor, distance)| {
            let way = format!("{} {}", name(book, factor.leaf), percent(distance.parts));
            // A move that would save an account is not told like one that kills it.
            if factor.boundary.today == Verdict::Unhealthy {
                return format!("{} {way}", back(own));
            }
            if own == Some(Verdict::Unhealthy) {
                return "healthy at the feed of now, once it is in force".into();
            }
            let multiple = if distance.parts.is_negative() { factor.worst_days() } else { None };
            let multiple = multiple
                .map_or_else(String::new, |parts| format!(", {} worst days", show::exact(parts.into(), 2)));
            format!("{way}{multiple}")
        },
    );
    [nearest, outlook.interest.as_ref().map_or_else(|| "-".into(), runs)]
}

/// How far the way back is, of an account that is below its line by the feeds of today: one that is healthy all the same,
/// because what the venue uses lags behind its feeds, is lost at these.
fn back(own: Option<Verdict>) -> &'static str {
    if own == Some(Verdict::Healthy) { "LOST at the feed of now; saved by" } else { "healthy at" }
}

/// What a price on its way to the venue will do to an account that is above its line.
pub(crate) fn arriving(at: Time, coming: &NextPrice) -> String {
    let price = show::exact(coming.price.value, coming.price.unit.decimals);
    if coming.price.name == QUEUED {
        let wait = coming.from.since(at).filter(|wait| *wait > 0);
        let when = wait.map_or_else(|| "now".into(), |wait| format!("in {}", show::age(wait)));
        return format!("the queued price {price} liquidates it {when}");
    }
    let from = show::time(coming.from);
    format!(
        "BELOW ITS LINE at the feed of now, {price}: liquidatable from {from} on, when the venue's oracle has taken it"
    )
}

/// The name of a price that a venue has queued itself.
const QUEUED: &str = "nextPrice";

/// [`arriving`] for programs.
pub(crate) fn arriving_json(coming: &NextPrice) -> Value {
    let mut json = next_json(coming);
    json["of"] = if coming.price.name == QUEUED { "queue".into() } else { "feed".into() };
    json
}

/// What the factors do not say by themselves: both sides move with one price, so another one decides.
pub(crate) fn basis(book: &Book, outlook: &Outlook) -> Option<String> {
    let never = |factor: &&Factor| {
        let unproven = |crossing| matches!(crossing, Crossing::Unproven(_));
        let Boundary { today, down, up, .. } = factor.boundary;
        today == Verdict::Healthy && factor.nearest().is_none() && !unproven(down) && !unproven(up)
    };
    let harmless: Vec<&str> =
        outlook.factors.iter().filter(never).map(|factor| name(book, factor.leaf)).collect();
    let nearest = outlook.factors.first().filter(|factor| factor.nearest().is_some())?;
    (!harmless.is_empty()).then(|| {
        format!("no price of {} does it: what matters is {}", harmless.join(", "), name(book, nearest.leaf))
    })
}

/// What the venue itself has in store: a price that it will use next, and who is redeemed first.
pub(crate) fn coming(at: Time, outlook: &Outlook) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(NextPrice { price, from, assessment }) = &outlook.next {
        let wait = from.since(at).filter(|wait| *wait > 0);
        let when = wait.map_or_else(|| "now".into(), |wait| format!("in {}", show::age(wait)));
        let price = show::exact(price.value, price.unit.decimals);
        match assessment.as_ref().map(|seen| seen.verdict) {
            Ok(Verdict::Unhealthy) => lines.push(format!("the queued price {price} liquidates it {when}")),
            Ok(_) => {}
            Err(refusal) => lines.push(format!("at the queued price {price}, {when}: {}", words(refusal))),
        }
    }
    match &outlook.redemption {
        Some(Ok(Redemption { before, asset, decimals })) => lines.push(format!(
            "redeemed after {} {asset} of others",
            show::amount((*before).into(), *decimals, 2)
        )),
        Some(Err(refusal)) => {
            lines.push(format!("how much is redeemed before it is unknown: {}", words(refusal)));
        }
        None => {}
    }
    lines
}

/// Whether the queued price is one that liquidates.
pub(crate) fn queue_liquidates(outlook: &Outlook) -> bool {
    let seen = outlook.next.as_ref().and_then(|next| next.assessment.as_ref().ok());
    seen.is_some_and(|seen| seen.verdict == Verdict::Unhealthy)
}

fn next_json(next: &NextPrice) -> Value {
    json!({
        "price": next.price.value.to_string(),
        "decimals": next.price.unit.decimals,
        "from": next.from.0,
        "verdict": next.assessment.as_ref().ok().map(|seen| crate::check::word(seen.verdict)),
        "refusal": next.assessment.as_ref().err().map(refusal_json),
    })
}

/// How the branch stands, and how far it is from where anybody may shut it down.
fn branch_lines(book: &Book, branch: &Branch) -> Vec<String> {
    let mut lines: Vec<String> = crate::check::branch(&branch.health).into_iter().collect();
    if let Some((feed, distance)) = &branch.shut_down {
        let [ratio, least] = [branch.health.ratio.unwrap_or(U256::ZERO), branch.health.shut_down]
            .map(|ratio| show::amount(ratio.into(), 16, 2));
        lines.push(format!(
            "its branch, at {ratio} %, may be shut down by anybody below {least} %: at {} {}",
            name(book, *feed),
            percent(distance.parts)
        ));
    }
    lines
}

fn branch_json(book: &Book, branch: &Branch) -> Value {
    let mut json = crate::check::branch_json(&branch.health);
    json["may_be_shut_down_at"] = branch.shut_down.as_ref().map_or(Value::Null, |(feed, distance)| {
        json!({
            "feed": name(book, *feed),
            "first": distance.first.to_string(),
            "distance": show::exact(distance.parts, 6),
        })
    });
    json
}

fn redemption_json(redemption: &Redemption) -> Value {
    json!({
        "before": redemption.before.to_string(),
        "asset": redemption.asset,
        "decimals": redemption.decimals,
    })
}

pub(crate) fn name(book: &Book, id: PriceId) -> &str {
    book.graph.price(id).map_or("?", |price| price.name.as_str())
}

/// 1e-6 parts as percent, cut toward zero.
pub(crate) fn percent(parts: Int) -> String {
    let sign = if parts.is_negative() { "" } else { "+" };
    format!("{sign}{} %", show::way(parts, 4, 2))
}

fn runs(runs: &Runs) -> String {
    match runs {
        Runs::Already => "already".into(),
        Runs::Out(time) => show::time(*time),
        Runs::Never => "not in ten years".into(),
        Runs::Unknown(refusal) => format!("unknown: {}", words(refusal)),
    }
}

fn crossing(found: &Boundary, crossing: Crossing) -> [String; 2] {
    let at = |point: U256| show::exact(point.into(), found.decimals);
    match crossing {
        Crossing::Never => ["none".into(), String::new()],
        Crossing::Unproven(from) => [format!("not proven beyond {}", at(from)), String::new()],
        Crossing::At { first, settled: Some(settled) } if settled == first => [at(first), String::new()],
        Crossing::At { first, settled: Some(settled) } => {
            [at(first), format!("for good from {}", at(settled))]
        }
        Crossing::At { first, settled: None } => [at(first), "and back again at the end".into()],
    }
}

fn print(
    book: &Book,
    account: usize,
    own: Option<Verdict>,
    outlook: &Outlook,
    slots: &[(String, Boundary)],
    (joint, ground): (&[(String, Option<Boundary>)], &Ground),
) {
    let today = outlook.factors.first().map(|factor| factor.boundary.today);
    let word = match (today, own) {
        (Some(Verdict::Unhealthy), Some(Verdict::Healthy)) => "lost, unless at",
        (Some(Verdict::Unhealthy), _) => "healthy again at",
        _ => "liquidatable at",
    };
    let mut factors = table(
        &["feed, with all that follows it", "now", word, "", "distance", "st. dev.", "worst day"],
        1..6,
    );
    let mut grounds: Vec<(PriceId, Deviation)> = Vec::new();
    let mut nearest: Option<(U256, String)> = None;
    for factor in &outlook.factors {
        let deviation = ground.deviation(book, factor.leaf);
        let Factor { leaf, boundary, down, up, worst } = factor;
        let sides = [(boundary.down, down), (boundary.up, up)];
        let none = boundary.down == Crossing::Never && boundary.up == Crossing::Never;
        for (at, &distance) in sides.into_iter().filter(|(at, _)| *at != Crossing::Never || none) {
            let [first, mut settled] = crossing(boundary, at);
            if distance.is_some_and(|distance| distance.is_dust()) {
                settled = "only where whole units decide".into();
            }
            let fall = distance.is_some_and(|distance| distance.parts.is_negative());
            let worst = match (worst, factor.worst_days()) {
                (Some(worst), Some(days)) if fall && settled.is_empty() => {
                    format!("{} of {}", show::exact(days.into(), 2), worst.recorded)
                }
                _ => String::new(),
            };
            let counted = distance.zip(deviation.as_ref()).and_then(|(distance, day)| day.count(distance));
            let market =
                today == Some(Verdict::Healthy) && distance.is_some_and(|distance| !distance.is_dust());
            if let Some(count) = counted.filter(|_| market)
                && nearest.as_ref().is_none_or(|(least, _)| count < *least)
            {
                let side = if fall { "down" } else { "up" };
                nearest = Some((count, format!("{} {side}", name(book, *leaf))));
            }
            let counted = counted.map_or_else(String::new, |count| show::exact(count.into(), 2));
            let distance = distance.map_or_else(String::new, |distance: Distance| percent(distance.parts));
            let now = show::exact(boundary.now.into(), boundary.decimals);
            factors.add_row([name(book, *leaf).into(), now, first, settled, distance, counted, worst]);
            if none {
                break;
            }
        }
        grounds.extend(deviation.map(|deviation| (factor.leaf, deviation)));
    }
    outln!("{}\n", factors.trim_fmt());
    if let Some((count, which)) = nearest {
        let count = show::exact(count.into(), 2);
        outln!("first in standard deviations of a day: {which}, {count}; each factor by itself, by");
        for (leaf, deviation) in &grounds {
            let part = show::exact(Int::from(deviation.parts), 4);
            outln!("  {}: {part} % a day, {}", name(book, *leaf), deviation.by);
        }
        outln!();
    }
    print_boundaries(
        "one asset's price at this market alone, all others fixed",
        word,
        slots.iter().map(|(n, b)| (n, Some(b))),
    );
    if !joint.is_empty() {
        print_boundaries("together, as a factor", word, joint.iter().map(|(n, b)| (n, b.as_ref())));
    }
    if (today, own) == (Some(Verdict::Healthy), Some(Verdict::Unhealthy)) {
        outln!(
            "by its feeds of now it is above the line: until they are in force anybody may liquidate it\n"
        );
    }
    if word.starts_with("lost") {
        outln!("by its feeds of now it is below the line, and is lost when the venue has taken them\n");
    }
    print_goods(book, account, &outlook.holdings);
    if let Some(interest) = &outlook.interest {
        outln!("interest alone reaches the line: {}", runs(interest));
    }
    match (&outlook.carry, &outlook.unrated) {
        (Some(carry), _) => print_carry(carry),
        (None, Some(refusal)) => outln!("a year of interest, nobody acting: unknown: {}", words(refusal)),
        (None, None) => {}
    }
    outlook.premium.iter().for_each(|premium| print_premium(book, account, premium));
    let branch = outlook.branch.iter().flat_map(|branch| branch_lines(book, branch));
    let blind = crate::exposure::blind_notes(book, &outlook.blind);
    for line in basis(book, outlook).into_iter().chain(coming(book.at, outlook)).chain(branch).chain(blind) {
        outln!("{line}");
    }
}

fn print_boundaries<'b>(
    title: &str,
    word: &str,
    found: impl Iterator<Item = (&'b String, Option<&'b Boundary>)>,
) {
    let mut prices = table(&[title, "now", word, ""], 1..4);
    for (name, boundary) in found {
        let Some(boundary) = boundary else {
            prices.add_row([name.clone(), "-".into(), "does not move the account".into(), String::new()]);
            continue;
        };
        let now = show::exact(boundary.now.into(), boundary.decimals);
        let sides = [boundary.down, boundary.up];
        let none = sides == [Crossing::Never; 2];
        for side in sides.into_iter().filter(|side| *side != Crossing::Never) {
            let [first, settled] = crossing(boundary, side);
            prices.add_row([name.clone(), now.clone(), first, settled]);
        }
        if none {
            prices.add_row([name.clone(), now, "none".into(), String::new()]);
        }
    }
    outln!("{}\n", prices.trim_fmt());
}

fn print_goods(book: &Book, account: usize, holdings: &[Good]) {
    let listed = &book.accounts[account];
    let market = &*book.markets[listed.market].market;
    let mut goods = table(&["holding", "balance", "counts", "can be withdrawn"], 1..2);
    for Good { instrument, balance, counting, withdrawable } in holdings {
        let Some(spec) = market.instruments().get(instrument.index()) else { continue };
        let decimals = market
            .instruments()
            .iter()
            .find(|other| other.kind == Kind::Asset && other.asset == spec.asset)
            .map_or(spec.decimals, |asset| asset.decimals);
        let balance = balance.map_or_else(|refusal| words(&refusal), |balance| tokens(balance.raw, decimals));
        let limit = withdrawable.as_ref().map_or_else(String::new, |limit| {
            match limit.because.as_ref().filter(|_| limit.is_unknown()) {
                Some(refusal) => format!("unknown: {}", words(refusal)),
                None => {
                    let binds = Binds::of(limit.because.as_ref()).name();
                    format!("{} ({binds})", tokens(limit.amount, decimals))
                }
            }
        });
        goods.add_row([spec.name.clone(), balance, counts(counting), limit]);
    }
    outln!("{}\n", goods.trim_fmt());
}

fn counts(counting: &Result<plimsoll_core::Counting, Refusal>) -> String {
    let counting = match counting {
        Ok(counting) => counting,
        Err(refusal) => return words(refusal),
    };
    let counts = match (counting.weight, counting.why_not) {
        (Some(weight), _) => {
            // A share of one, in percent.
            let percent = counting.unit.decimals.saturating_sub(2);
            format!("{} %", show::amount(weight.into(), percent, 2))
        }
        (None, Some(why)) => format!("no: {}", why.words()),
        (None, None) => "debt".into(),
    };
    let marks = [(counting.frozen, ", frozen"), (counting.paused, ", paused")];
    marks.iter().filter(|(on, _)| *on).fold(counts, |text, (_, mark)| text + mark)
}

fn print_carry(carry: &Carry) {
    let money = |value: Int| show::amount(value, carry.decimals, 2);
    outln!("a year of interest, nobody acting: earns {}, pays {}", money(carry.earned), money(carry.paid));
    let share =
        |ratio: Option<Ratio>| ratio.map_or_else(|| "-".into(), |ratio| format!("{} %", ratio.digits(2, 4)));
    if !carry.debt.is_zero() {
        outln!(
            "borrow rate over that year {}, breakeven {}, what tokens earn by themselves not counted",
            share(carry.rate()),
            share(carry.breakeven())
        );
    }
}

/// An account as `check` shows it, with what stands ahead of it.
pub(crate) fn shown<'r>(lookout: Option<&Lookout<'_>>, row: &'r Row) -> Option<Shown<'r>> {
    Some(Shown { row, outlook: lookout?.of(row.account) })
}

// ---- JSON -----------------------------------------------------------------------------------------------------------

fn crossing_json(crossing: Crossing) -> Value {
    match crossing {
        Crossing::Never => json!({"kind": "never"}),
        Crossing::Unproven(from) => json!({"kind": "unproven", "from": from.to_string()}),
        Crossing::At { first, settled } => json!({
            "kind": "at",
            "first": first.to_string(),
            "settled": settled.map(|settled| settled.to_string()),
        }),
    }
}

/// What a feed deviates by within a day, and how many of that both crossings are; null where the feed has neither.
fn deviation_json(book: &Book, factor: &Factor, ground: &Ground) -> Option<Value> {
    let day = ground.deviation(book, factor.leaf)?;
    let count = |distance: Option<Distance>| {
        distance.and_then(|distance| day.count(distance)).map(|count| show::exact(count.into(), 2))
    };
    Some(json!({
        "feed": name(book, factor.leaf),
        "day": show::exact(Int::from(day.parts), 6),
        "by": day.by,
        "down": count(factor.down),
        "up": count(factor.up),
    }))
}

fn boundary_json(found: &Boundary) -> Value {
    json!({
        "now": found.now.to_string(),
        "decimals": found.decimals,
        "verdict": crate::check::word(found.today),
        "down": crossing_json(found.down),
        "up": crossing_json(found.up),
    })
}

pub(crate) fn as_json(book: &Book, account: usize, outlook: &Outlook) -> Value {
    let market = &*book.markets[book.accounts[account].market].market;
    let ratio = |ratio: Option<Ratio>| ratio.map(|ratio| ratio.digits(0, 18));
    let parts = |distance: Option<Distance>| distance.map(|distance| show::exact(distance.parts, 6));
    json!({
        "factors": outlook.factors.iter().map(|factor| json!({
            "feed": name(book, factor.leaf),
            "price": boundary_json(&factor.boundary),
            "distance_down": parts(factor.down),
            "distance_up": parts(factor.up),
            "worst_day": factor.worst.map(|worst| json!({
                "fall": show::exact(Int::from(u64::from(worst.fall)), 4),
                "recorded": worst.recorded,
            })),
            "worst_days": factor.worst_days().map(|days| show::exact(days.into(), 2)),
        })).collect::<Vec<_>>(),
        "interest_reaches_the_line": outlook.interest.map(|runs| match runs {
            Runs::Already => json!({"kind": "already"}),
            Runs::Out(time) => json!({"kind": "at", "time": time.0}),
            Runs::Never => json!({"kind": "not in ten years"}),
            Runs::Unknown(refusal) => json!({"kind": "unknown", "refusal": refusal_json(&refusal)}),
        }),
        "carry": outlook.carry.map(|carry| json!({
            "earned": carry.earned.to_string(),
            "paid": carry.paid.to_string(),
            "debt": carry.debt.to_string(),
            "decimals": carry.decimals,
            "borrow_rate": ratio(carry.rate()),
            "breakeven_borrow_rate": ratio(carry.breakeven()),
        })),
        "carry_unknown": outlook.unrated.as_ref().map(refusal_json),
        "next_price": outlook.next.as_ref().map(next_json),
        "redemption": outlook.redemption.as_ref().and_then(|found| found.as_ref().ok()).map(redemption_json),
        "redemption_unknown": outlook.redemption.as_ref().and_then(|found| found.as_ref().err()).map(refusal_json),
        "branch": outlook.branch.as_ref().map(|branch| branch_json(book, branch)),
        "premium": outlook.premium.as_ref().map(|premium| premium_json(book, account, premium)),
        "blind": outlook.blind.iter().map(|blind| crate::exposure::blind_json(book, blind)).collect::<Vec<_>>(),
        "holdings": outlook.holdings.iter().map(|good| json!({
            "instrument": market.instruments().get(good.instrument.index()).map(|i| i.name.clone()),
            "balance": good.balance.as_ref().ok().map(|balance| balance.raw.to_string()),
            "counts": good.counting.as_ref().is_ok_and(|counting| counting.weight.is_some()),
            "weight": good.counting.as_ref().ok().and_then(|c| Some(show::exact(c.weight?.into(), c.unit.decimals))),
            "why_not": good.counting.as_ref().ok().and_then(|counting| counting.why_not).map(|why| why.words()),
            "frozen": good.counting.as_ref().ok().map(|counting| counting.frozen),
            "paused": good.counting.as_ref().ok().map(|counting| counting.paused),
            "withdrawable": good.withdrawable.as_ref().filter(|limit| !limit.is_unknown())
                .map(|limit| limit.amount.to_string()),
            "withdrawable_unknown": good.withdrawable.as_ref().filter(|limit| limit.is_unknown())
                .and_then(|limit| limit.because.as_ref().map(refusal_json)),
        })).collect::<Vec<_>>(),
    })
}

// ---- premium --------------------------------------------------------------------------------------------------------

fn instrument(book: &Book, account: usize, id: plimsoll_core::InstrumentId) -> String {
    let market = &book.markets[book.accounts[account].market].market;
    market.instruments().get(id.index()).map_or_else(|| "?".into(), |spec| spec.name.clone())
}

fn print_premium(book: &Book, account: usize, premium: &plimsoll_core::Premium) {
    let percent = |bps: U256| format!("{} %", show::amount(bps.into(), 2, 2));
    let year = |value: U256| show::amount(value.into(), premium.unit.decimals, 2);
    outln!(
        "for the risk of its collateral it pays {} of its interest on top, {} a year; counted anew it is {}, {} a year",
        percent(premium.paid),
        year(premium.cost),
        percent(premium.next),
        year(premium.cost_next)
    );
    for swap in &premium.swaps {
        let [from, to] = [swap.from, swap.to].map(|id| instrument(book, account, id));
        outln!(
            "  {to} in place of {from}, at equal value: {}, {} a year, {} less than staying, both under the newest parameters",
            percent(swap.premium),
            year(swap.cost),
            year(swap.saves)
        );
    }
}

fn premium_json(book: &Book, account: usize, premium: &plimsoll_core::Premium) -> Value {
    let swap = |swap: &plimsoll_core::Swap| {
        json!({
            "from": instrument(book, account, swap.from),
            "to": instrument(book, account, swap.to),
            "premium_bps": swap.premium.to_string(),
            "cost_a_year": swap.cost.to_string(),
            "saves_a_year": swap.saves.to_string(),
        })
    };
    json!({
        "paid_bps": premium.paid.to_string(),
        "next_bps": premium.next.to_string(),
        "cost_a_year": premium.cost.to_string(),
        "next_cost_a_year": premium.cost_next.to_string(),
        "decimals": premium.unit.decimals,
        "swaps": premium.swaps.iter().map(swap).collect::<Vec<_>>(),
    })
}
