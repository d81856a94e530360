//! `plimsoll explain`: arithmetic that can be followed with a pencil.

use crate::args::ExplainArgs;
use crate::{exit, show};
use plimsoll::{Allowance, Explanation, HoldingLine, Section, explain, find};
use plimsoll_core::{Book, Certainty, Int, Judgement, Operation, Step, Unit, Verdict};
use serde_json::{Value, json};

pub(crate) fn run(args: &ExplainArgs) -> u8 {
    let book = match crate::check::open(&args.book, false) {
        Ok((book, _)) => book,
        Err(code) => return code,
    };
    let Some(at) = crate::check::time_of(&book, args.at.as_deref()) else { return exit::USAGE };
    let account = match find(&book, &args.account).as_slice() {
        [one] => *one,
        [] => {
            eprintln!("plimsoll: no account {} in {}", args.account, args.book.display());
            return exit::USAGE;
        }
        several => {
            let names: Vec<String> = several.iter().map(|&a| full_name(&book, a)).collect();
            eprintln!(
                "plimsoll: {} stands in several markets: say one of {}",
                args.account,
                names.join(", ")
            );
            return exit::USAGE;
        }
    };
    match explain(&book, account, at) {
        Ok(explanation) => {
            if args.json {
                println!("{:#}", as_json(&book, &explanation));
            } else {
                print(&book, &explanation);
            }
            code(&explanation.liquidation.0)
        }
        Err(refusal) => {
            eprintln!("plimsoll: {}: {refusal} [{}]", full_name(&book, account), refusal.code());
            exit::FAULTY
        }
    }
}

fn code(judgement: &Judgement) -> u8 {
    match (judgement.verdict(), judgement.own) {
        (Some(Verdict::Unhealthy), _) => exit::UNHEALTHY,
        (_, Ok(own)) if own.verdict == Verdict::Unhealthy => exit::UNHEALTHY,
        (None, _) => exit::UNKNOWN,
        _ => exit::CALM,
    }
}

fn full_name(book: &Book, account: usize) -> String {
    let listed = &book.accounts[account];
    format!("{}:{}", book.markets[listed.market].name, listed.name)
}

fn print(book: &Book, e: &Explanation) {
    let listed = &book.accounts[e.account];
    let market = &book.markets[listed.market];
    let (venue, revision) = market.market.venue();
    println!("account  {} of {}", listed.name, listed.owner);
    println!("market   {} ({venue} {revision})", market.name);
    println!("as of    {}", show::time(e.identity.at));
    println!("book     {} (hash {})", e.identity.book, e.identity.hash);
    for (name, value) in &e.terms {
        println!("term     {name} = {value}");
    }
    println!("\nholdings");
    for HoldingLine { instrument, asset, decimals, quantity, balance } in &e.holdings {
        println!("  {instrument}: {quantity} stored");
        match balance {
            Ok(balance) => println!("    = {} {asset}", show::exact(balance.raw.into(), *decimals)),
            Err(refusal) => println!("    balance: {refusal} [{}]", refusal.code()),
        }
    }
    for (title, (judgement, sections)) in
        [("LIQUIDATION LINE", &e.liquidation), ("BORROWING LINE", &e.borrowing)]
    {
        println!("\n{title}");
        for section in sections {
            print_section(section);
        }
        print_judgement(judgement);
    }
    for (what, allowances) in [("can be withdrawn", &e.withdrawable), ("can be borrowed", &e.borrowable)] {
        println!("\n{what} in one action");
        if allowances.is_empty() {
            println!("  nothing");
        }
        for Allowance { asset, decimals, limit } in allowances {
            let why = limit.because.map_or_else(
                || "everything".into(),
                |refusal| format!("one unit more: {refusal} [{}]", refusal.code()),
            );
            println!("  {} {asset} ({why})", show::exact(limit.amount.into(), *decimals));
        }
    }
    println!("\nin the venue's words");
    for figure in &e.own {
        println!("  {} = {}{}", figure.name, figure.value, reading(figure.value, figure.unit, 0));
    }
}

fn print_section(section: &Section) {
    println!("  {}", section.title);
    for step in &section.steps {
        println!("    {}", step.formula);
        if let Some(numbers) = numbers(step) {
            println!("      = {numbers}");
        }
        let rounding = match step.operation {
            Operation::MulDiv { .. } => format!("   [rounded {}]", step.rounding.name()),
            _ => String::new(),
        };
        let rounding = if step.rounding == plimsoll_core::Rounding::Exact { String::new() } else { rounding };
        println!("      = {}{}{rounding}", step.value, reading(step.value, step.unit, section.decimals));
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
    }
}

/// The number with its point and unit, in brackets.
fn reading(value: Int, unit: Unit, asset_decimals: u8) -> String {
    if value.magnitude() == plimsoll_core::U256::MAX {
        return " (unlimited: nothing is owed)".into();
    }
    let decimals = if unit.name == "raw" { asset_decimals } else { unit.decimals };
    match (unit.name, decimals) {
        ("", _) => String::new(),
        ("s", _) => " s".into(),
        ("raw", decimals) => format!(" ({} tokens)", show::exact(value, decimals)),
        (name, decimals) => format!(" {name} ({})", show::exact(value, decimals)),
    }
}

fn print_judgement(judgement: &Judgement) {
    match judgement.own {
        Ok(own) => {
            let verdict = match own.verdict {
                Verdict::NoDebt => "nothing is owed",
                Verdict::Healthy => "healthy",
                Verdict::Unhealthy => "unhealthy",
            };
            println!("  verdict: {verdict} (backing {} against {})", own.backing, own.requirement);
            if let (Verdict::Unhealthy, Err(refusal)) = (own.verdict, own.executable) {
                println!("  not executable now: {refusal} [{}]", refusal.code());
            }
        }
        Err(refusal) => println!("  no verdict: {refusal} [{}]", refusal.code()),
    }
    match judgement.certainty {
        Certainty::Certain | Certainty::NoDebt => {}
        Certainty::Safe { why, at_least } => {
            println!("  a price is {why}: health is at least {at_least} % all the same, whatever it is");
        }
        Certainty::Unsafe(why) => println!("  a price is {why}: unhealthy all the same, whatever it is"),
        Certainty::Undetermined(why) => println!("  a price is {why}: the verdict depends on it: UNKNOWN"),
    }
}

fn as_json(book: &Book, e: &Explanation) -> Value {
    let listed = &book.accounts[e.account];
    let market = &book.markets[listed.market];
    let (venue, revision) = market.market.venue();
    let line = |(judgement, sections): &(Judgement, Vec<Section>)| {
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
        "terms": e.terms.iter().map(|(name, value)| json!({"name": name, "value": value.to_string()})).collect::<Vec<_>>(),
        "holdings": e.holdings.iter().map(|holding| json!({
            "instrument": holding.instrument,
            "asset": holding.asset,
            "decimals": holding.decimals,
            "stored": holding.quantity.to_string(),
            "balance": holding.balance.ok().map(|balance| balance.raw.to_string()),
            "value": holding.balance.ok().and_then(|balance| balance.value).map(|value| value.to_string()),
        })).collect::<Vec<_>>(),
        "liquidation": line(&e.liquidation),
        "borrowing": line(&e.borrowing),
        "own": crate::check::figures_json(&e.own),
        "withdrawable": e.withdrawable.iter().map(allowance_json).collect::<Vec<_>>(),
        "borrowable": e.borrowable.iter().map(allowance_json).collect::<Vec<_>>(),
    })
}

fn allowance_json(allowance: &Allowance) -> Value {
    json!({
        "asset": allowance.asset,
        "decimals": allowance.decimals,
        "amount": allowance.limit.amount.to_string(),
        "because": allowance.limit.because.map(|r| json!({"code": r.code(), "message": r.to_string()})),
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
            "decimals": if step.unit.name == "raw" { section.decimals } else { step.unit.decimals },
        })
    });
    json!({ "about": section.title, "steps": steps.collect::<Vec<_>>() })
}
