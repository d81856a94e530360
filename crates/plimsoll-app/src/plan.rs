//! `plimsoll plan`: the cheapest steps to a health, as a table, for programs, and done again.

mod again;
mod json;

use crate::args::PlanArgs;
use crate::ask::{after, no_such, print_foot, refuse, tokens, words};
use crate::explain::full_name;
use crate::show::{errln, outln};
use crate::whatif::table;
use crate::{exit, show};
use plimsoll::{Binding, Doing, Hindrance, Plan, PlanAsk, PlanBound, PlanStep, Planned, Ratio, Short, plan};
use plimsoll_core::{Amount, Book, Decimal, Depth, InstrumentId, Int, Refusal, U256};
use plimsoll_io::book::File;
use std::io::IsTerminal;
use std::path::Path;

/// Digits after the point of a sum of money that people read.
const CENTS: u8 = 2;
/// Values are in 10^-18 of the currency.
const VALUE: u8 = 18;

pub(crate) fn run(args: &PlanArgs) -> u8 {
    match asked(args) {
        Ok(code) | Err(code) => code,
    }
}

fn asked(args: &PlanArgs) -> Result<u8, u8> {
    let (mut book, _) = crate::check::open(&args.book, false)?;
    let whom: Vec<usize> = match (&args.account, &args.owner) {
        (Some(name), _) => vec![plimsoll::account(&book, name).map_err(|why| refuse(&why))?],
        (None, owner) => {
            let owner = owner.as_deref().unwrap_or_default();
            if let Some(code) =
                no_such("owner", owner, &mut book.accounts.iter().map(|listed| listed.owner.as_str()))
            {
                return Err(code);
            }
            (0..book.accounts.len()).filter(|&place| book.accounts[place].owner == owner).collect()
        }
    };
    let alone = args.account.as_ref().and(whom.first().copied());
    book = after(book, alone, &args.first)?;
    let depth = args.depth.as_deref().map(crate::stress::open_depth).transpose()?;
    let question = PlanAsk {
        accounts: whom,
        target: args.target,
        wallet: wallet(&args.wallet)?,
        depth: depth.as_ref(),
        gas: args.gas,
        currency: args.currency.clone(),
        carry: args.carry,
        floor: args.floor,
    };
    let answer = plan(&book, &question).map_err(|why| refuse(&why))?;
    if let Some(path) = &args.check {
        return again::run(args, path, &book, &question, &answer);
    }
    if args.json {
        outln!("{:#}", json::answer(&book, &question, &answer));
    } else {
        print(&book, &answer, depth.as_ref());
    }
    Ok(code(&answer))
}

fn code(answer: &Planned) -> u8 {
    match &answer.outcome {
        Ok(_) => exit::CALM,
        Err(short) if short.unknown.is_some() => exit::UNKNOWN,
        Err(_) => exit::UNHEALTHY,
    }
}

/// What may be spent, said on the command line or in files.
fn wallet(said: &[String]) -> Result<Vec<(String, Decimal)>, u8> {
    let mut all = Vec::new();
    for text in said {
        match crate::args::entry(text) {
            Some(Ok(entry)) => all.push(entry),
            Some(Err(why)) => {
                errln!("plimsoll: --wallet {text}: no such file, and {why}");
                return Err(exit::USAGE);
            }
            None => {
                let opened = plimsoll_io::wallet::read(File::open(Path::new(text)));
                if !opened.faults.is_empty() {
                    show::tell(format_args!("{}", opened.faults.render(std::io::stderr().is_terminal())));
                }
                all.extend(opened.wallet.ok_or_else(|| {
                    errln!("plimsoll: nothing was planned: the wallet is faulty");
                    exit::FAULTY
                })?);
            }
        }
    }
    Ok(all)
}

/// A sum of the currency, costs raised.
fn money(raw: U256) -> String {
    show::missing(Int::from(raw), VALUE, CENTS)
}

fn health(ratio: Option<Ratio>) -> String {
    ratio.map_or_else(|| "no debt".into(), |ratio| ratio.to_string())
}

/// What an instrument is called.
pub(super) fn instrument(book: &Book, account: usize, id: InstrumentId) -> String {
    let market = &*book.markets[book.accounts[account].market].market;
    let called = market.called(id).map(String::from);
    let spec = market.instruments().get(id.index());
    called.or_else(|| spec.map(|spec| spec.asset.clone())).unwrap_or_else(|| "?".into())
}

/// What a step does, in words.
pub(super) fn does(book: &Book, step: &PlanStep) -> String {
    let stake = |side: &[(String, u8, U256)]| {
        side.first()
            .map_or_else(String::new, |(asset, digits, raw)| format!("{} {asset}", tokens(*raw, *digits)))
    };
    match (&step.doing, step.account) {
        (Doing::Swap { to, .. }, _) => {
            format!(
                "{} for at least {} of {to}",
                stake(&step.paid),
                stake(&step.received).trim_end_matches(to).trim()
            )
        }
        (Doing::Fill { instrument: id, quantity, price }, Some(account)) => {
            let market = &*book.markets[book.accounts[account].market].market;
            let spec = market.instruments().get(id.index());
            let digits = spec.map_or(0, |spec| spec.decimals);
            let slot = market.slots().iter().find(|slot| spec.is_some_and(|spec| slot.asset == spec.asset));
            let word = if quantity.is_negative() { "sell" } else { "buy" };
            let price = show::exact(*price, slot.map_or(0, |slot| slot.decimals));
            format!(
                "{word} {} {} at {price}",
                tokens(quantity.magnitude(), digits),
                instrument(book, account, *id)
            )
        }
        (Doing::Withdraw { amount, .. } | Doing::Borrow { amount, .. }, _) => {
            format!("{}{}", all(*amount), stake(&step.received))
        }
        (Doing::Deposit { amount, .. } | Doing::Repay { amount, .. }, _) => {
            format!("{}{}", all(*amount), stake(&step.paid))
        }
        (Doing::Fill { .. }, None) => String::new(),
    }
}

fn all(amount: Amount) -> &'static str {
    if amount == Amount::All { "all: " } else { "" }
}

fn print(book: &Book, answer: &Planned, depth: Option<&Depth>) {
    for (account, judgement) in &answer.before {
        if let Some(why) = crate::ask::doubt(judgement) {
            outln!(
                "DOUBT  {}: a price is {why}: what follows holds at the price that the venue would use",
                full_name(book, *account)
            );
        }
    }
    let stood = |judgement: &plimsoll_core::Judgement| {
        judgement.own.ok().and_then(|own| Ratio::of(own.backing, own.requirement))
    };
    for (account, judgement) in &answer.before {
        let stands = crate::ask::health_words(judgement, stood(judgement));
        outln!("{}  health {stands}, to be {}", full_name(book, *account), answer.target);
    }
    outln!();
    match &answer.outcome {
        Ok(found) => print_plan(book, answer, found),
        Err(short) => print_short(book, answer, short),
    }
    if depth.is_none() {
        outln!("nothing is sold and no position is reduced: no --depth says what that brings");
    }
    print_foot(&answer.identity);
}

fn print_plan(book: &Book, answer: &Planned, found: &Plan) {
    if found.steps.is_empty() {
        outln!("nothing is needed");
        return;
    }
    let lost = format!("lost {}", answer.currency);
    let mut rows = table(&["", "account", "step", "amount", "health then", &lost], 5..6);
    for (at, step) in found.steps.iter().enumerate() {
        rows.add_row([
            (at + 1).to_string(),
            step.account.map_or_else(|| "wallet".into(), |account| full_name(book, account)),
            step.doing.word().into(),
            does(book, step),
            if step.account.is_some() { health(step.after) } else { "-".into() },
            money(step.lost),
        ]);
    }
    outln!("{}\n", rows.trim_fmt());
    let Plan { lost, gas, cost, drawn, .. } = found;
    outln!(
        "cost {} {}: {} lost to prices and fees, {} for {}",
        money(*cost),
        answer.currency,
        money(*lost),
        money(*gas),
        crate::check::counted(found.steps.len() as u64, "call")
    );
    outln!("out of the wallet {} {}", show::amount(*drawn, VALUE, CENTS), answer.currency);
    for (asset, digits, [had, has]) in &found.wallet {
        if had != has {
            outln!("wallet   {} -> {} {asset}", tokens(*had, *digits), tokens(*has, *digits));
        }
    }
    for (account, then) in &found.after {
        outln!("then     {}  {}", full_name(book, *account), health(*then));
    }
    outln!(
        "{}",
        match found.proven {
            true => "proven: no smaller amount of any account's last step will do",
            false =>
                "not proven: of a last step one unit less will not do; that no other smaller amount will is not proven",
        }
    );
}

fn print_short(book: &Book, answer: &Planned, short: &Short) {
    let name = full_name(book, short.account);
    if let Some(refusal) = &short.unknown {
        outln!("UNKNOWN  {name}: {}", words(refusal));
        return;
    }
    outln!(
        "NO PLAN  {name}: all that serves brings health to {} and not to {} [PL0690]\n",
        health(short.reaches),
        answer.target
    );
    if !short.binds.is_empty() {
        let mut rows = table(&["way", "most", "", "what binds"], 1..2);
        for PlanBound { way, most: (asset, digits, raw), by } in &short.binds {
            rows.add_row([way.clone(), tokens(*raw, *digits), asset.clone(), binds(book, *by)]);
        }
        outln!("{}\n", rows.trim_fmt());
    }
    for (top, found) in &short.enough {
        let word = if top.repays { "repay" } else { "deposit" };
        let (asset, digits) = &top.asset;
        match found {
            Ok(enough) => {
                outln!("enough on top of that: {word} {} {asset}", crate::restore::amount(enough, *digits))
            }
            Err(Hindrance::NotCounted) => {}
            Err(why) => outln!("not enough: {word} {asset}: {}", hindrance(why, *digits)),
        }
    }
}

fn hindrance(why: &Hindrance, digits: u8) -> String {
    match why {
        Hindrance::Refused { most, refusal } if *most == U256::ZERO => words(refusal),
        Hindrance::Refused { most, refusal } => {
            format!("more than {}: {}", tokens(*most, digits), words(refusal))
        }
        Hindrance::NotCounted => "it does not count as collateral of this account".into(),
        Hindrance::NotEnough { health: reached } => {
            format!("all of it brings health to {} only", health(*reached))
        }
    }
}

/// What stops a way, in words.
pub(super) fn binds(book: &Book, by: Binding) -> String {
    match by {
        Binding::Wallet => "the wallet has no more".into(),
        Binding::Held => "no more is held".into(),
        Binding::Owed => "no more is owed".into(),
        Binding::Depth => "the depth curve ends, or there is none".into(),
        Binding::Line(account) => format!("{} would be below its line on the way", full_name(book, account)),
        Binding::Gives(account) => format!("{} would be below the target", full_name(book, account)),
        Binding::NoBetter => "it does not make health any better".into(),
        Binding::Refused(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> String {
    words(refusal)
}
