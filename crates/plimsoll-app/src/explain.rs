//! `plimsoll explain`: arithmetic that can be followed with a pencil.

use crate::args::ExplainArgs;
use crate::show::{errln, outln};
use crate::{exit, outlook, sheet, show};
use plimsoll::{
    Allowance, Explanation, HoldingLine, Ladder, Lookout, PriceLine, PriceRead, Ratio, Row, Section, explain,
};
use plimsoll_core::{
    Book, Certainty, Int, Judgement, NextPrice, Operation, Refusal, Step, Unit, Verdict, Why,
};
use serde_json::{Value, json};

pub(crate) fn run(args: &ExplainArgs) -> u8 {
    let (book, gaps) = match crate::check::open(&args.book, args.keep_going) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let Some(at) = crate::check::time_of(&book, args.at.as_deref()) else { return exit::USAGE };
    let account = match plimsoll::account(&book, &args.account) {
        Ok(account) => account,
        Err(_) if gaps.leaves_out(&args.account) => {
            errln!("plimsoll: {} is left out: its rows or its market are faulty", args.account);
            return exit::FAULTY;
        }
        Err(why) => return crate::ask::refuse(&why),
    };
    match explain(&book, account, at, &Ladder::default()) {
        Ok(explanation) => {
            if args.json {
                let mut json = as_json(&book, &explanation);
                gaps.add_to(&mut json);
                outln!("{json:#}");
            } else {
                print(&book, &explanation);
                gaps.print();
            }
            match code(&explanation.row.liquidation, explanation.row.coming.as_ref()) {
                exit::UNHEALTHY => exit::UNHEALTHY,
                code => gaps.code_of(code),
            }
        }
        Err(refusal) => {
            errln!("plimsoll: {}: {refusal} [{}]", full_name(&book, account), refusal.code());
            exit::FAULTY
        }
    }
}

/// Explains an account of a book that was made up as the program went, at the book's own time; the exit code.
pub(crate) fn told(book: &Book, account: usize, json: bool) -> u8 {
    match explain(book, account, book.at, &Ladder::default()) {
        Ok(explanation) => {
            if json {
                outln!("{:#}", as_json(book, &explanation));
            } else {
                print(book, &explanation);
            }
            code(&explanation.row.liquidation, explanation.row.coming.as_ref())
        }
        Err(refusal) => {
            errln!("plimsoll: {}: {refusal} [{}]", full_name(book, account), refusal.code());
            exit::FAULTY
        }
    }
}

/// The exit code of one account, and of the price on its way to the venue that will take it below its line.
pub(crate) fn code(judgement: &Judgement, coming: Option<&NextPrice>) -> u8 {
    if coming.is_some() {
        return exit::UNHEALTHY;
    }
    match (judgement.verdict(), judgement.own) {
        (Some(Verdict::Unhealthy), _) => exit::UNHEALTHY,
        (_, Ok(own)) if own.verdict == Verdict::Unhealthy => exit::UNHEALTHY,
        (None, _) => exit::UNKNOWN,
        _ => exit::CALM,
    }
}

/// The exit code of several accounts: unhealthy before unknown.
pub(crate) fn worst_code<'a>(judgements: impl Iterator<Item = (&'a Judgement, Option<&'a NextPrice>)>) -> u8 {
    let rank = |code: &u8| (*code == exit::UNHEALTHY, *code);
    judgements.map(|(judgement, coming)| code(judgement, coming)).max_by_key(rank).unwrap_or(exit::CALM)
}

pub(crate) fn full_name(book: &Book, account: usize) -> String {
    let listed = &book.accounts[account];
    format!("{}:{}", book.markets[listed.market].name, listed.name)
}

fn print(book: &Book, e: &Explanation) {
    let listed = &book.accounts[e.account];
    let market = &book.markets[listed.market];
    let (venue, revision) = market.market.venue();
    outln!("account  {} of {}", listed.name, listed.owner);
    outln!("market   {} ({venue} {revision})", market.name);
    outln!("as of    {}", show::time(e.identity.at));
    outln!("book     {} (hash {})", e.identity.book, e.identity.hash);
    if let Some(coming) = &e.row.coming {
        outln!("COMING   {}", crate::outlook::arriving(e.identity.at, coming));
    }
    for term in &e.terms {
        match &term.means {
            Some(means) => outln!("term     {} = {} ({means})", term.name, term.value),
            None => outln!("term     {} = {}", term.name, term.value),
        }
    }
    print_prices(e);
    if let Some(line) = crate::check::kept(&market.market.kept()) {
        outln!("{line}");
    }
    outln!("\nholdings");
    for HoldingLine { instrument, asset, decimals, quantity, balance } in &e.holdings {
        outln!("  {instrument}: {quantity} stored");
        match balance {
            Ok(balance) => outln!("    = {} {asset}", show::exact(balance.raw.into(), *decimals)),
            Err(refusal) => outln!("    balance: {refusal} [{}]", refusal.code()),
        }
    }
    let liquidation = ["nothing is owed", "healthy", "liquidatable"];
    let borrowing =
        ["nothing is owed", "within what the collateral carries", "over what the collateral carries"];
    for (title, words, judgement, sections) in [
        ("THE LINE OF LIQUIDATION", liquidation, &e.row.liquidation, &e.liquidation),
        ("THE LINE OF BORROWING", borrowing, &e.row.borrowing, &e.borrowing),
    ] {
        outln!("\n{title}");
        for section in sections {
            print_section(section);
        }
        print_judgement(judgement, words);
    }
    if let Some(sheet) = &e.row.sheet {
        outln!("\nTHE SCENARIOS");
        for lines in sheet::lines(sheet) {
            outln!("{lines}");
        }
    }
    print_ratios(&e.row);
    if let Ok(lookout) = Lookout::new(book, e.identity.at) {
        let ahead = lookout.glance(listed.market, &listed.account);
        for line in outlook::coming(e.identity.at, &ahead) {
            outln!("  {line}");
        }
    }
    for (what, allowances) in [("can be withdrawn", &e.withdrawable), ("can be borrowed", &e.borrowable)] {
        outln!("\n{what} in one action");
        if allowances.is_empty() {
            outln!("  nothing");
        }
        let unit = e.row.borrowing.own.ok().map(|own| own.unit);
        let one_more = |refusal: &Refusal| crate::ask::told(refusal, unit);
        for Allowance { name, decimals, limit, doubt, .. } in allowances {
            if let (true, Some(refusal)) = (limit.is_unknown(), limit.because) {
                outln!("  unknown: {name} ({refusal} [{}])", refusal.code());
                continue;
            }
            let beyond = limit
                .beyond
                .map_or_else(String::new, |why| format!("; and of a larger loan: {}", one_more(&why)));
            let why = limit.because.map_or_else(
                || "everything".into(),
                |refusal| format!("one unit more: {}{beyond}", one_more(&refusal)),
            );
            let open = if limit.no_more_than == limit.amount {
                String::new()
            } else {
                format!(
                    "; not proven to be refused up to {}",
                    show::exact(limit.no_more_than.into(), *decimals)
                )
            };
            let doubt = doubt.map_or_else(String::new, |why| {
                format!(" IN DOUBT: a price is {why}; this is at the price that the venue would use")
            });
            outln!("  {} {name} ({why}{open}){doubt}", show::exact(limit.amount.into(), *decimals));
        }
    }
    outln!("\nas the venue's contracts or their periphery name it");
    for figure in &e.row.own {
        outln!("  {} = {}{}", figure.name, figure.value, reading(figure.value, figure.unit));
    }
}

fn print_prices(e: &Explanation) {
    outln!("\nprices");
    for PriceRead { asset, price, value, currency, decimals, doubt } in &e.readings {
        let value = value.map_or_else(
            || "none".into(),
            |value| format!("{value} ({} {currency})", show::exact(value.into(), *decimals)),
        );
        let from = price.as_ref().map_or_else(String::new, |price| format!(", from {price}"));
        outln!("  {asset}: {value}{from}{}", doubted(*doubt));
    }
    for line in &e.prices {
        let PriceLine { name, unit, value, kind, legs, rounding, source, observed_at, age, doubt } = line;
        let value = value.map_or_else(|| "none".into(), |value| value.to_string());
        let mut how = vec![match legs.as_slice() {
            [] => (*kind).to_string(),
            [of, by] if *kind == "quotient" => format!("{of} / {by}"),
            legs if *kind == "product" => legs.join(" x "),
            legs => format!("{kind}: of {}", legs.join(", ")),
        }];
        if let Some((decimals, way)) = rounding {
            how.push(format!("rounded {} to {decimals} digits", way.name()));
        }
        how.extend(source.as_ref().map(|source| format!("says {source}")));
        if let (Some(at), Some(age)) = (observed_at, age) {
            how.push(format!("of {at}, {} old", show::age(*age)));
        }
        outln!("    {name} = {value} {unit} ({}){}", how.join(", "), doubted(*doubt));
    }
}

fn doubted(doubt: Option<Why>) -> String {
    doubt.map_or_else(String::new, |why| format!(" {}", why.to_string().to_uppercase()))
}

/// How the numbers of `check` follow from what the lines compare.
fn print_ratios(row: &Row) {
    outln!("\nWHAT `check` SHOWS OF IT");
    outln!("  tier = {}", row.tier.name());
    if let Some(renewed) = &row.renewed {
        outln!("  {}", crate::check::renewed(renewed));
    }
    let Ok(own) = row.liquidation.own else { return };
    let percent = |ratio: &Ratio| format!("{} %", ratio.digits(2, 2));
    for (name, words, ratio, parts) in [
        ("health", "backing / requirement", row.health, [own.backing, own.requirement]),
        ("ratio", "collateral / debt", row.ratio, [own.collateral, own.debt]),
        ("minimum", "collateral / backing", row.minimum, [own.collateral, own.backing]),
    ] {
        let Some(ratio) = ratio else { continue };
        let shown = if name == "health" { ratio.to_string() } else { percent(&ratio) };
        outln!("  {name} = {words}\n    = {} / {}\n    = {shown}   [cut]", parts[0], parts[1]);
    }
    if let Some(buffer) = row.buffer {
        outln!("  buffer = ratio - minimum\n    = {} points   [cut downward]", show::exact(buffer, 4));
    }
    if let Some(excess) = row.excess {
        let money = reading(excess, own.unit);
        outln!("  excess = backing - requirement\n    = {} - {}", own.backing, own.requirement);
        outln!("    = {excess}{money}");
    }
    if let (Some(available), Ok(line)) = (row.available, row.borrowing.own) {
        if let Some(why) = row.available_because {
            outln!(
                "  available = the largest loan that the venue makes now and at the next block, with fee and branch"
            );
            outln!("    one unit more is refused: {why} [{}]", why.code());
        } else {
            outln!("  available = backing - requirement of the line of borrowing, at least 0");
            outln!("    = {} - {}", line.backing, line.requirement);
        }
        outln!("    = {available}{}", reading(available, line.unit));
    }
}

fn print_section(section: &Section) {
    outln!("  {}", section.title);
    for step in &section.steps {
        outln!("    {}", step.formula);
        if let Some(numbers) = numbers(step) {
            outln!("      = {numbers}");
        }
        let rounding = match step.operation {
            Operation::MulDiv { .. } => format!("   [rounded {}]", step.rounding.name()),
            _ => String::new(),
        };
        let rounding = if step.rounding == plimsoll_core::Rounding::Exact { String::new() } else { rounding };
        outln!("      = {}{}{rounding}", step.value, reading(step.value, step.unit));
    }
}

/// The step with its numbers in place of its words; `None` for what is given.
fn numbers(step: &Step) -> Option<String> {
    match step.operation {
        Operation::Given => None,
        Operation::MulDiv { x, y, by } if by == Int::ONE => Some(format!("{x} x {y}")),
        Operation::MulDiv { x, y, by } if y == Int::ONE => Some(format!("{x} / {by}")),
        Operation::MulDiv { x, y, by } => Some(format!("{x} x {y} / {by}")),
        Operation::Add { x, y } => Some(format!("{x} + {y}")),
        Operation::Sub { x, y, floor_at_zero: false } => Some(format!("{x} - {y}")),
        Operation::Sub { x, y, floor_at_zero: true } => Some(format!("{x} - {y}, at least 0")),
        Operation::Min { x, y } => Some(format!("the smaller of {x} and {y}")),
        Operation::Max { x, y } => Some(format!("the greater of {x} and {y}")),
    }
}

/// The number with its point and unit, in brackets.
fn reading(value: Int, unit: Unit) -> String {
    if value.magnitude() == plimsoll_core::U256::MAX {
        return " (unlimited: nothing is owed)".into();
    }
    match (unit.name, unit.decimals) {
        ("", _) => String::new(),
        ("s", _) => " s".into(),
        ("raw", decimals) => format!(" ({} tokens)", show::exact(value, decimals)),
        (name, decimals) => format!(" {name} ({})", show::exact(value, decimals)),
    }
}

/// `words` are for no debt, healthy and unhealthy.
fn print_judgement(judgement: &Judgement, words: [&str; 3]) {
    match judgement.own {
        Ok(own) => {
            let [no_debt, healthy, unhealthy] = words;
            let verdict = match own.verdict {
                Verdict::NoDebt => no_debt,
                Verdict::Healthy => healthy,
                Verdict::Unhealthy => unhealthy,
            };
            outln!("  verdict: {verdict} (backing {} against {})", own.backing, own.requirement);
            if let (Verdict::Unhealthy, Err(refusal)) = (own.verdict, own.executable) {
                outln!("  not executable now: {refusal} [{}]", refusal.code());
            }
        }
        Err(refusal) => outln!("  no verdict: {refusal} [{}]", refusal.code()),
    }
    match judgement.certainty {
        Certainty::Certain | Certainty::NoDebt | Certainty::Unanswered => {}
        Certainty::Safe { why, at_least } => {
            outln!(
                "  a price is {why}: health is at least {at_least} % all the same, whatever it is; the tier is of that"
            );
        }
        Certainty::Unsafe(why) => outln!("  a price is {why}: unhealthy all the same, whatever it is"),
        Certainty::Undetermined(why) => outln!("  a price is {why}: the verdict depends on it: UNKNOWN"),
    }
}

fn as_json(book: &Book, e: &Explanation) -> Value {
    let listed = &book.accounts[e.account];
    let market = &book.markets[listed.market];
    let (venue, revision) = market.market.venue();
    let line = |judgement: &Judgement, sections: &[Section]| {
        json!({
            "judgement": crate::check::judgement_json(judgement),
            "sections": sections.iter().map(section_json).collect::<Vec<_>>(),
        })
    };
    json!({
        "format": 1,
        "provenance": crate::check::provenance_json(&e.identity),
        "account": listed.name,
        "owner": listed.owner,
        "market": market.name,
        "venue": venue,
        "revision": revision,
        "terms": e.terms.iter().map(|term| json!({
            "name": term.name,
            "value": term.value.to_string(),
            "means": term.means,
        })).collect::<Vec<_>>(),
        "holdings": e.holdings.iter().map(|holding| json!({
            "instrument": holding.instrument,
            "asset": holding.asset,
            "decimals": holding.decimals,
            "stored": holding.quantity.to_string(),
            "balance": holding.balance.ok().map(|balance| balance.raw.to_string()),
            "value": holding.balance.ok().and_then(|balance| balance.value).map(|value| value.to_string()),
        })).collect::<Vec<_>>(),
        "readings": e.readings.iter().map(|read| json!({
            "asset": read.asset,
            "price": read.price,
            "value": read.value.map(|value| value.to_string()),
            "currency": read.currency,
            "decimals": read.decimals,
            "doubt": read.doubt.map(|why| why.to_string()),
        })).collect::<Vec<_>>(),
        "prices": e.prices.iter().map(price_json).collect::<Vec<_>>(),
        "kept": crate::check::figures_json(&book.markets[book.accounts[e.account].market].market.kept()),
        "shown": crate::check::row_json(book, &e.row),
        "liquidation": line(&e.row.liquidation, &e.liquidation),
        "borrowing": line(&e.row.borrowing, &e.borrowing),
        "own": crate::check::figures_json(&e.row.own),
        "withdrawable": e.withdrawable.iter().map(allowance_json).collect::<Vec<_>>(),
        "borrowable": e.borrowable.iter().map(allowance_json).collect::<Vec<_>>(),
    })
}

fn allowance_json(allowance: &Allowance) -> Value {
    json!({
        "asset": allowance.asset,
        "name": allowance.name,
        "decimals": allowance.decimals,
        "amount": (!allowance.limit.is_unknown()).then(|| allowance.limit.amount.to_string()),
        "because": allowance.limit.because.map(|r| json!({"code": r.code(), "message": r.to_string()})),
        "doubt": allowance.doubt.map(|why| why.to_string()),
    })
}

fn price_json(line: &PriceLine) -> Value {
    json!({
        "name": line.name,
        "unit": line.unit,
        "value": line.value.map(|value| value.to_string()),
        "kind": line.kind,
        "legs": line.legs,
        "decimals": line.rounding.map(|(decimals, _)| decimals),
        "rounding": line.rounding.map(|(_, way)| way.name()),
        "source": line.source,
        "observed_at": line.observed_at.map(|at| at.0),
        "age": line.age,
        "doubt": line.doubt.map(|why| why.to_string()),
    })
}

fn section_json(section: &Section) -> Value {
    let steps = section.steps.iter().map(|step| {
        json!({
            "formula": step.formula,
            "numbers": numbers(step),
            "rounding": step.rounding.name(),
            "value": step.value.to_string(),
            "unit": step.unit.name,
            "decimals": step.unit.decimals,
        })
    });
    json!({ "about": section.title, "steps": steps.collect::<Vec<_>>() })
}
