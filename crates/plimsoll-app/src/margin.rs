//! `plimsoll margin compare`: what another model would ask of every client.

mod waterfall;

use crate::args::{Margin, MarginCompareArgs};
use crate::check::provenance_json;
use crate::show::{self, errln, outln};
use crate::whatif::table;
use crate::{ask, exit};
use plimsoll::{Asks, Client, Comparison, MARGIN_DIGITS, compare};
use plimsoll_core::{Book, Int, Market};
use plimsoll_io::book::{File, FileBytes, MarginModel, OpenedModel, regular};
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::path::Path;

pub(crate) fn run(args: &Margin) -> u8 {
    match args {
        Margin::Compare(args) => compared(args),
        Margin::Waterfall(args) => waterfall::waterfall(args),
        Margin::Adl(args) => waterfall::order(args),
    }
}

fn compared(args: &MarginCompareArgs) -> u8 {
    let (mut book, gaps) = match crate::check::open(&args.book, false) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let Some(at) = crate::check::time_of(&book, args.at.as_deref()) else { return exit::USAGE };
    book.at = at;
    let mut models = Vec::new();
    for word in &args.model {
        match model(word) {
            Ok(model) => models.push(model),
            Err(code) => return code,
        }
    }
    let [one, other] = models.as_slice() else {
        errln!("plimsoll: found {} --model, expected two: the one before and the one after", models.len());
        return exit::USAGE;
    };
    let mut versions = Vec::new();
    for listed in &book.markets {
        let mut both = [one, other].into_iter().zip(&args.model).map(|(model, word)| {
            let version = model.under(&*listed.market);
            version.map_err(|why| (word, why))
        });
        let under = |found: Option<Result<Option<Box<dyn Market>>, _>>| found.unwrap_or(Ok(None));
        match (under(both.next()), under(both.next())) {
            (Ok(one), Ok(other)) => versions.push(one.zip(other).map(|(one, other)| [one, other])),
            (Err((word, why)), _) | (_, Err((word, why))) => {
                errln!("plimsoll: {word} does not fit the market {}: {why}", listed.name);
                return exit::FAULTY;
            }
        }
    }
    let answer = compare(&book, &versions);
    if answer.clients.is_empty() {
        errln!(
            "plimsoll: no account of the book is in a market that both models are of (venues portfolio and cross)"
        );
        return exit::USAGE;
    }
    if args.json {
        outln!("{:#}", as_json(&book, args, &answer));
    } else {
        print(&book, args, &answer);
    }
    let unknown = |client: &Client| client.asks.iter().any(|asks| !asks.unknown.is_empty());
    let code = match () {
        () if answer.clients.iter().any(|client| client.newly_called().next().is_some()) => exit::UNHEALTHY,
        () if answer.clients.iter().any(unknown) => exit::UNKNOWN,
        () => exit::CALM,
    };
    gaps.code_of(code)
}

/// A preset, or a file.
fn model(word: &str) -> Result<MarginModel, u8> {
    let why = match MarginModel::preset(word) {
        Ok(model) => return Ok(model),
        Err(why) => why,
    };
    let path = Path::new(word);
    if !path.exists() {
        let known: Vec<&str> = MarginModel::presets().collect();
        let why = why.map_or_else(String::new, |why| format!("; no model of this kind is {word}: {why}"));
        errln!(
            "plimsoll: --model {word}: found no such file, expected a file or one of {}{why}",
            known.join(", ")
        );
        return Err(exit::USAGE);
    }
    let bytes = match regular(path).and_then(|()| std::fs::read(path)) {
        Ok(bytes) => FileBytes::Read(bytes),
        Err(error) => FileBytes::Failed(error.to_string()),
    };
    let OpenedModel { model, faults } = MarginModel::read(File { name: word.into(), bytes });
    model.ok_or_else(|| {
        show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
        errln!("plimsoll: nothing was compared: the model is faulty");
        exit::FAULTY
    })
}

fn money(value: Int) -> String {
    show::missing(value, MARGIN_DIGITS, 2)
}

/// A change, with its sign; a growth looks no smaller than it is.
fn change(value: Option<Int>) -> String {
    value.map_or_else(
        || "?".into(),
        |value| match value.is_negative() {
            true => show::way(value, MARGIN_DIGITS, 2),
            false => format!("+{}", money(value)),
        },
    )
}

fn names(book: &Book, accounts: impl Iterator<Item = usize>) -> String {
    let names: Vec<&str> = accounts.map(|account| book.accounts[account].name.as_str()).collect();
    if names.is_empty() { "-".into() } else { names.join(", ") }
}

fn bound(asks: &Asks) -> String {
    asks.bound.as_ref().map_or_else(|| "-".into(), |bound| format!("{} {}", bound.underlying, bound.scenario))
}

fn print(book: &Book, args: &MarginCompareArgs, answer: &Comparison) {
    let header = [
        "client",
        "market",
        "initial A",
        "initial B",
        "change",
        "kept A",
        "kept B",
        "change",
        "new calls",
        "released",
        "binds A",
        "binds B",
        "worst days B",
    ];
    let mut rows = table(&header, 2..8);
    for client in &answer.clients {
        let [a, b] = &client.asks;
        let [initial, maintenance] = client.growth();
        rows.add_row([
            client.owner.clone(),
            book.markets[client.market].name.clone(),
            money(a.initial),
            money(b.initial),
            change(initial),
            money(a.maintenance),
            money(b.maintenance),
            change(maintenance),
            names(book, client.newly_called()),
            names(book, client.released()),
            bound(a),
            bound(b),
            b.worst_days.map_or_else(|| "no day".into(), money),
        ]);
    }
    outln!("A = {}, B = {}\n", args.model[0], args.model[1]);
    outln!("{}", rows.trim_fmt());
    let sum = |of: fn(&Client) -> usize| answer.clients.iter().map(of).sum::<usize>();
    let called = sum(|client| client.newly_called().count());
    let released = sum(|client| client.released().count());
    outln!("\n{} newly called under B, {released} released", crate::check::counted(called as u64, "account"));
    let unknown: Vec<usize> =
        answer.clients.iter().flat_map(|client| client.asks[1].unknown.clone()).collect();
    if !unknown.is_empty() {
        outln!("unknown, and in no sum: {}", names(book, unknown.into_iter()));
    }
    if !answer.left_out.is_empty() {
        let names: Vec<&str> = answer.left_out.iter().map(|place| &*book.markets[*place].name).collect();
        outln!("not of this kind of model, and left out: {}", names.join(", "));
    }
    outln!("called: below the maintenance line; what is asked is raised where it is shown");
    ask::print_foot(&answer.identity);
}

fn asks_json(book: &Book, asks: &Asks) -> Value {
    let names = |accounts: &[usize]| {
        accounts.iter().map(|account| book.accounts[*account].name.clone()).collect::<Vec<_>>()
    };
    json!({
        "initial": asks.initial.to_string(),
        "maintenance": asks.maintenance.to_string(),
        "called": names(&asks.called),
        "below_initial": names(&asks.short),
        "unknown": names(&asks.unknown),
        "binding": asks.bound.as_ref().map(|bound| json!({
            "account": book.accounts[bound.account].name,
            "underlying": bound.underlying,
            "scenario": bound.scenario,
        })),
        "loss_on_worst_days": asks.worst_days.map(|lost| lost.to_string()),
    })
}

fn as_json(book: &Book, args: &MarginCompareArgs, answer: &Comparison) -> Value {
    let names = |accounts: Vec<usize>| {
        accounts.iter().map(|account| book.accounts[*account].name.clone()).collect::<Vec<_>>()
    };
    let clients = answer.clients.iter().map(|client| {
        let [initial, maintenance] = client.growth();
        json!({
            "owner": client.owner,
            "market": book.markets[client.market].name,
            "accounts": client.accounts,
            "a": asks_json(book, &client.asks[0]),
            "b": asks_json(book, &client.asks[1]),
            "initial_change": initial.map(|value| value.to_string()),
            "maintenance_change": maintenance.map(|value| value.to_string()),
            "new_calls": names(client.newly_called().collect()),
            "released": names(client.released().collect()),
        })
    });
    json!({
        "format": 1,
        "provenance": provenance_json(&answer.identity),
        "models": args.model,
        "decimals": MARGIN_DIGITS,
        "clients": clients.collect::<Vec<_>>(),
        "left_out": answer.left_out.iter().map(|place| &book.markets[*place].name).collect::<Vec<_>>(),
    })
}
