//! `plimsoll portfolio`: one owner's accounts side by side; and `restore --with`: so much of one asset for all of them.

use crate::args::{PortfolioArgs, RestoreArgs};
use crate::ask::{after, doubt, no_such, print_foot, refusal_json, refuse, tokens, unknown_health, words};
use crate::check::{columns, counted, judgement_json, provenance_json, shown_cells, shown_json};
use crate::explain::worst_code;
use crate::restore::{amount, kind};
use crate::select::Shown;
use crate::show::{errln, outln};
use crate::whatif::table;
use crate::{exit, show};
use plimsoll::{
    Distance, Ladder, Part, Portfolio, Ratio, Restore, Split, Stake, Way, portfolio, restore_all, split,
};
use plimsoll_core::{Book, Int, Judgement, Refusal};
use serde_json::{Value, json};

pub(crate) fn run(args: &PortfolioArgs) -> u8 {
    let mut book = match crate::check::open(&args.book, false) {
        Ok((book, _)) => book,
        Err(code) => return code,
    };
    let Some(at) = crate::check::time_of(&book, args.at.as_deref()) else { return exit::USAGE };
    book.at = at;
    if let Some(code) = unknown(&book, &args.owner) {
        return code;
    }
    let answer = match portfolio(&book, &args.owner, &Ladder::default()) {
        Ok(answer) => answer,
        Err((market, refusal)) => {
            errln!("plimsoll: market {market}: {}", words(&refusal));
            return exit::FAULTY;
        }
    };
    let back = match restore_all(&book, &args.owner, args.to, 600) {
        Ok(back) => back,
        Err(why) => return refuse(&why),
    };
    if args.json {
        outln!("{:#}", as_json(&book, args, &answer, &back));
    } else {
        print(&book, args, &answer, &back);
    }
    let rows = answer.positions.iter().map(|position| &position.row);
    worst_code(rows.map(|row| (&row.liquidation, row.coming.as_ref())))
}

/// The exit code where nobody of this name owns anything.
fn unknown(book: &Book, owner: &str) -> Option<u8> {
    no_such("owner", owner, &mut book.accounts.iter().map(|listed| listed.owner.as_str()))
}

/// A line for each account of which all that is said hangs on a doubtful price.
fn print_doubts<'a>(book: &Book, judgements: impl Iterator<Item = (usize, &'a Judgement)>) {
    for (account, judgement) in judgements {
        // Of one without an answer nothing is said.
        if let Some(why) = doubt(judgement).filter(|_| unknown_health(judgement).is_none()) {
            outln!(
                "DOUBT  {}: a price is {why}: what is said of it holds at the price that the venue would use",
                name(book, account)
            );
        }
    }
}

fn name(book: &Book, account: usize) -> String {
    crate::explain::full_name(book, account)
}

fn print(book: &Book, args: &PortfolioArgs, answer: &Portfolio, back: &[Restore]) {
    outln!(
        "{} · every account stands alone: collateral of one does not protect debt of another\n",
        args.owner
    );
    let mut accounts = table(&columns(), 3..11);
    for position in &answer.positions {
        let shown = Shown { row: &position.row, outlook: position.outlook.clone() };
        accounts.add_row(shown_cells(book, &shown));
    }
    outln!("{}\n", accounts.trim_fmt());
    let mut first = table(&["feed", "falls by", "dies first", "rises by", "dies first"], 1..2);
    for entry in &answer.first {
        let feed = book.graph.price(entry.leaf).map_or("?", |price| price.name.as_str());
        let who = |end: Option<(usize, Distance)>| match end {
            Some((at, distance)) => {
                let account =
                    answer.positions.get(at).map_or_else(String::new, |p| name(book, p.row.account));
                [crate::outlook::percent(distance.parts), account]
            }
            None => ["-".into(), "nobody".into()],
        };
        let ([fall, falls], [rise, rises]) = (who(entry.fall), who(entry.rise));
        first.add_row([feed.to_string(), fall, falls, rise, rises]);
    }
    outln!("{}\n", first.trim_fmt());
    if !answer.dead.is_empty() {
        let names: Vec<String> = answer.dead.iter().map(|at| position(book, answer, *at)).collect();
        outln!("LIQUIDATABLE ALREADY, whatever price moves: {}\n", names.join(", "));
    }
    for position in &answer.positions {
        if let Some(coming) = &position.row.coming {
            let words = crate::outlook::arriving(book.at, coming);
            outln!("COMING: {}: {words}\n", name(book, position.row.account));
        }
    }
    print_missing(book, answer, "unknown, and so in neither \"dies first\" nor \"back to\"", &answer.unknown);
    print_missing(book, answer, "not in the sums", &answer.unsummed);
    for net in &answer.sums {
        let show = |value: Int| show::amount(value, net.decimals, 2);
        let year = |value: Option<Int>| value.map_or_else(|| "unknown".into(), show);
        outln!(
            "{}: collateral {}, owned {}, debt {}, net equity {}; a year of interest, nobody acting: earns {}, pays {} ({})",
            net.currency,
            show(net.collateral),
            show(net.owned),
            show(net.debt),
            show(net.equity),
            year(net.earned),
            year(net.paid),
            counted(net.accounts, "account"),
        );
    }
    print_back(book, args, back, answer.unknown.is_empty());
    print_doubts(book, back.iter().map(|restore| (restore.account, &restore.judgement)));
    print_foot(&answer.identity);
}

/// The name of an account by its place among the positions.
fn position(book: &Book, answer: &Portfolio, at: usize) -> String {
    answer.positions.get(at).map_or_else(String::new, |position| name(book, position.row.account))
}

/// A line that says which accounts something does not hold of; none where there are none.
fn print_missing(book: &Book, answer: &Portfolio, what: &str, missing: &[(usize, Refusal)]) {
    if missing.is_empty() {
        return;
    }
    let each =
        |(at, refusal): &(usize, Refusal)| format!("{} ({})", position(book, answer, *at), words(refusal));
    let names: Vec<String> = missing.iter().map(each).collect();
    let all = counted(answer.positions.len() as u64, "account");
    outln!("{} of {all} {what}: {}\n", missing.len(), names.join(", "));
}

fn print_back(book: &Book, args: &PortfolioArgs, back: &[Restore], all_known: bool) {
    if back.is_empty() {
        let who = if all_known { "that owes" } else { "that owes and is known" };
        outln!("\nevery account {who} has a health of {} or more", args.to);
        return;
    }
    let title = format!("back to {}, good for ten minutes", args.to);
    let mut ways = table(&[title.as_str(), "from", "repay", "or deposit"], 1..2);
    for restore in back {
        let health = restore.health.map_or_else(|| "-".into(), |health: Ratio| health.to_string());
        let list = |ways: &[Way]| {
            let told = |way: &Way| Some(format!("{} {}", amount(&way.by.ok()?, way.decimals), way.name));
            let possible: Vec<String> = ways.iter().filter_map(told).collect();
            if possible.is_empty() { "impossible".into() } else { possible.join(" or ") }
        };
        ways.add_row([
            name(book, restore.account),
            health,
            list(&restore.repayments),
            list(&restore.deposits),
        ]);
    }
    outln!("\n{}", ways.trim_fmt());
}

fn as_json(book: &Book, args: &PortfolioArgs, answer: &Portfolio, back: &[Restore]) -> Value {
    let end = |end: Option<(usize, Distance)>| {
        end.and_then(|(at, distance)| {
            let account = answer.positions.get(at)?.row.account;
            Some(json!({"account": name(book, account), "distance": show::exact(distance.parts, 6)}))
        })
    };
    json!({
        "format": 1,
        "provenance": provenance_json(&answer.identity),
        "owner": args.owner,
        "accounts": answer.positions.iter().map(|position| {
            shown_json(book, &Shown { row: &position.row, outlook: position.outlook.clone() })
        }).collect::<Vec<_>>(),
        "first": answer.first.iter().map(|entry| json!({
            "feed": book.graph.price(entry.leaf).map(|price| price.name.clone()),
            "fall": end(entry.fall),
            "rise": end(entry.rise),
        })).collect::<Vec<_>>(),
        "liquidatable": answer.dead.iter().map(|at| position(book, answer, *at)).collect::<Vec<_>>(),
        "unknown": missing_json(book, answer, &answer.unknown),
        "not_in_sums": missing_json(book, answer, &answer.unsummed),
        "sums": answer.sums.iter().map(|net| json!({
            "currency": net.currency,
            "decimals": net.decimals,
            "accounts": net.accounts,
            "collateral": net.collateral.to_string(),
            "owned": net.owned.to_string(),
            "debt": net.debt.to_string(),
            "equity": net.equity.to_string(),
            "earned_a_year": net.earned.map(|value| value.to_string()),
            "paid_a_year": net.paid.map(|value| value.to_string()),
        })).collect::<Vec<_>>(),
        "restore": {
            "to": args.to.to_string(),
            "accounts": back.iter().map(|restore| crate::restore::as_json(book, restore)).collect::<Vec<_>>(),
        },
    })
}

fn missing_json(book: &Book, answer: &Portfolio, missing: &[(usize, Refusal)]) -> Value {
    let each = |(at, refusal): &(usize, Refusal)| json!({"account": position(book, answer, *at), "refusal": refusal_json(refusal)});
    missing.iter().map(each).collect()
}

// ---- restore --with ---------------------------------------------------------------------------------------------------

pub(crate) fn split_run(args: &RestoreArgs, with: &Stake) -> u8 {
    let book = match crate::check::open(&args.book, false) {
        Ok((book, _)) => book,
        Err(code) => return code,
    };
    if let Some(code) = unknown(&book, &args.account) {
        return code;
    }
    let book = match after(book, None, &args.first) {
        Ok(book) => book,
        Err(code) => return code,
    };
    match split(&book, &args.account, &with.asset, with.sum) {
        Ok(answer) => {
            if args.json {
                outln!("{:#}", split_json(&book, &answer));
            } else {
                print_split(&book, &answer);
            }
            // What is not known of an account that is safe is unknown all the same: the least healthy one may be it.
            match worst_code(answer.judgements.iter().map(|(_, judgement)| (judgement, None))) {
                exit::CALM if !answer.unknown.is_empty() => exit::UNKNOWN,
                code => code,
            }
        }
        Err(why) => refuse(&why),
    }
}

fn print_split(book: &Book, answer: &Split) {
    let Split { asset, decimals, with, health, parts, left, stuck, unknown, .. } = answer;
    let mut table = table(&["account", "", asset, "health then"], 2..4);
    for Part { account, repays, decimals, enough, .. } in parts {
        let then = enough.health.map_or_else(|| "no debt".into(), |health| health.to_string());
        let word = if *repays { "repay" } else { "deposit" };
        table.add_row([name(book, *account), word.into(), amount(enough, *decimals), then]);
    }
    outln!("{}\n", table.trim_fmt());
    match health {
        Some(health) if answer.highest => outln!(
            "every account that {asset} can help reaches a health of {health}; more than 1000 is not aimed at. Of {} {} is left",
            tokens(*with, *decimals),
            tokens(*left, *decimals)
        ),
        Some(health) => outln!(
            "with {} {asset} every account that it can help reaches a health of {health}, and {}; left: {}",
            tokens(*with, *decimals),
            if answer.proven { "no more" } else { "that it cannot be more is not proven" },
            tokens(*left, *decimals)
        ),
        None if unknown.is_empty() => outln!("{asset} can help no account"),
        None => outln!("{asset} can help no account that is known"),
    }
    for (account, health) in stuck {
        let health = health.map_or_else(|| "-".into(), |health| health.to_string());
        outln!("{asset} cannot help {}: its health stays {health}", name(book, *account));
    }
    for (account, refusal) in unknown {
        outln!("unknown, and gets nothing: {}: {}", name(book, *account), words(refusal));
    }
    print_doubts(book, answer.judgements.iter().map(|(account, judgement)| (*account, judgement)));
    print_foot(&answer.identity);
}

fn split_json(book: &Book, answer: &Split) -> Value {
    let ratio = |ratio: Option<Ratio>| ratio.map(|ratio| ratio.digits(0, 18));
    json!({
        "format": 1,
        "provenance": provenance_json(&answer.identity),
        "asset": answer.asset,
        "decimals": answer.decimals,
        "with": answer.with.to_string(),
        "health": answer.health.map(|health| health.to_string()),
        "highest_aimed_at": answer.highest,
        "proven": answer.proven,
        "parts": answer.parts.iter().map(|part| json!({
            "account": name(book, part.account),
            "does": if part.repays { "repay" } else { "deposit" },
            "amount": part.enough.amount.to_string(),
            "decimals": part.decimals,
            "all": part.enough.all,
            "no_less_than": part.enough.no_less_than.to_string(),
            "kind": kind(&part.enough),
            "health": ratio(part.enough.health),
        })).collect::<Vec<_>>(),
        "judgements": answer.judgements.iter().map(|(account, judgement)| json!({
            "account": name(book, *account),
            "judgement": judgement_json(judgement),
        })).collect::<Vec<_>>(),
        "unknown": answer.unknown.iter().map(|(account, refusal)| json!({
            "account": name(book, *account),
            "refusal": refusal_json(refusal),
        })).collect::<Vec<_>>(),
        "left": answer.left.to_string(),
        "stuck": answer.stuck.iter().map(|(account, health)| json!({
            "account": name(book, *account),
            "health": ratio(*health),
        })).collect::<Vec<_>>(),
    })
}
