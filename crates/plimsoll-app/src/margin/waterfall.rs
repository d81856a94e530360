//! `plimsoll margin waterfall` and `margin adl`: who bears a loss, and who would be next.

use crate::args::{AdlArgs, WaterfallArgs};
use crate::ask::{print_foot, refuse};
use crate::check::{counted, provenance_json};
use crate::show::{self, errln, outln};
use crate::whatif::table;
use crate::{exit, steps};
use plimsoll::{Change, Ladder, identity};
use plimsoll_core::{Book, Decimal, Int, Reading, Rounding, U256};
use plimsoll_io::book::{File, FileBytes, OpenedFunds, read_funds, regular};
use plimsoll_margin::ruin::{DIGITS, Ending, Last, Queue, Rank, Ruin, Rules, Share, queues, ruin};
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::path::Path;

/// The book at the prices and the time that were asked for.
fn asked(book: &Path, prices: &[String], at: Option<&str>) -> Result<Book, u8> {
    let (mut book, _) = crate::check::open(book, false)?;
    book.at = crate::check::time_of(&book, at).ok_or(exit::USAGE)?;
    let mut changes: Vec<Change> = Vec::new();
    for words in prices {
        match steps::change("price", words) {
            Ok(change) => changes.push(change),
            Err(why) => {
                errln!("plimsoll: --price {words}: {why}");
                return Err(exit::USAGE);
            }
        }
    }
    if changes.is_empty() {
        return Ok(book);
    }
    let answer = plimsoll::whatif_all(&book, &changes, &Ladder::default()).map_err(|why| refuse(&why))?;
    Ok(answer.book)
}

fn provenance(book: &Book) -> plimsoll::Identity {
    let quotes = book.graph.quotes(book.at);
    let readings: Vec<Vec<Reading>> =
        book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
    identity(book, book.at, &readings)
}

fn funds(path: &Path, book: &Book) -> Result<Rules, u8> {
    let bytes = match regular(path).and_then(|()| std::fs::read(path)) {
        Ok(bytes) => FileBytes::Read(bytes),
        Err(error) => FileBytes::Failed(error.to_string()),
    };
    let OpenedFunds { rules, faults } = read_funds(File { name: path.display().to_string(), bytes }, book);
    rules.ok_or_else(|| {
        show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
        errln!("plimsoll: nothing was shared out: the funds are faulty");
        exit::FAULTY
    })
}

pub(super) fn waterfall(args: &WaterfallArgs) -> u8 {
    let book = match asked(&args.book, &args.price, args.at.as_deref()) {
        Ok(book) => book,
        Err(code) => return code,
    };
    let rules = match args.funds.as_deref().map_or(Ok(Rules::default()), |path| funds(path, &book)) {
        Ok(rules) => rules,
        Err(code) => return code,
    };
    let answer = ruin(&book, &rules);
    if args.json {
        outln!("{:#}", ruin_json(&book, &rules, &answer));
    } else {
        print_ruin(&book, &rules, &answer);
    }
    match () {
        () if !answer.ruined.is_empty() => exit::UNHEALTHY,
        () if !answer.unknown.is_empty() || !answer.beyond.is_empty() => exit::UNKNOWN,
        () => exit::CALM,
    }
}

/// What is borne, which looks no smaller than it is.
fn money(amount: u128) -> String {
    show::missing(Int::from(U256::new(amount)), DIGITS, 2)
}

fn account(book: &Book, place: usize) -> &str {
    &book.accounts[place].name
}

fn price(price: u128) -> String {
    Decimal { mantissa: Int::from(U256::new(price)), decimals: DIGITS }.trimmed().to_string()
}

/// Lots of a contract as base.
fn base(lots: u128, (lot, decimals): (U256, u8)) -> String {
    let raw = U256::new(lots).mul(lot).unwrap_or(U256::MAX);
    Decimal { mantissa: Int::from(raw), decimals }.trimmed().to_string()
}

fn lot_of(book: &Book, place: usize, contract: &str) -> (U256, u8) {
    let market = &book.markets[book.accounts[place].market].market;
    let all = (0..).map(plimsoll_core::InstrumentId).zip(market.instruments());
    let mut of = all.filter(|(_, spec)| spec.name == contract);
    of.find_map(|(id, spec)| Some((market.traded(id)?.lot, spec.decimals))).unwrap_or((U256::ONE, 0))
}

fn names(book: &Book, places: &[usize]) -> String {
    places.iter().map(|place| account(book, *place)).collect::<Vec<_>>().join(", ")
}

fn print_ruin(book: &Book, rules: &Rules, answer: &Ruin) {
    if answer.ruined.is_empty() {
        outln!("no account of which that is known is worth less than nothing");
    } else {
        let header = ["account", "market", "missing", "bucket's fund", "shared fund", "others", "left"];
        let mut rows = table(&header, 2..7);
        for one in &answer.ruined {
            let listed = &book.accounts[one.account];
            let left = one.endings.iter().fold(one.left, |sum, ending| sum.saturating_add(ending.left));
            rows.add_row([
                listed.name.clone(),
                book.markets[listed.market].name.clone(),
                money(one.loss),
                money(one.borne.bucket),
                money(one.borne.shared),
                money(one.borne.others),
                money(left),
            ]);
        }
        outln!("{}", rows.trim_fmt());
        for one in &answer.ruined {
            for ending in &one.endings {
                print_ending(book, one.account, ending);
            }
            if one.left > 0 {
                outln!(
                    "\n{} has no position: {} are missing behind its loans, and its lenders' loss",
                    account(book, one.account),
                    money(one.left)
                );
            }
        }
    }
    for (fund, left) in rules.funds.iter().zip(&answer.funds) {
        let of = if fund.contracts.is_empty() { "all".into() } else { fund.contracts.join(", ") };
        outln!("\nfund of {} ({of}): {} of {} left", fund.market, money(*left), money(fund.amount));
    }
    for (what, places) in [("unknown", &answer.unknown), ("beyond the numbers", &answer.beyond)] {
        if !places.is_empty() {
            outln!("\n{what}, and in no sum: {}", names(book, places));
        }
    }
    print_foot(&provenance(book));
}

fn print_ending(book: &Book, ruined: usize, ending: &Ending) {
    let lot = lot_of(book, ruined, &ending.contract);
    let side = if ending.lots < 0 { "short" } else { "long" };
    let at = ending.bankruptcy.map_or_else(|| "no price".into(), price);
    outln!(
        "\n{}: {side} {} {}, {} of the loss; closing it at {at} would leave nothing missing",
        account(book, ruined),
        base(ending.lots.unsigned_abs(), lot),
        ending.contract,
        money(ending.loss[0])
    );
    for share in &ending.shares {
        let closed = match share.lots {
            0 => String::new(),
            lots => format!("{} closed, ", base(lots, lot)),
        };
        outln!("  {}: {closed}gives {}", account(book, share.account), money(share.amount));
    }
    if ending.left > 0 {
        outln!("  {} are left: nobody of the book with a position bears them", money(ending.left));
    }
}

fn share_json(book: &Book, lot: (U256, u8), share: &Share) -> Value {
    json!({
        "account": account(book, share.account),
        "lots": share.lots.to_string(),
        "base": base(share.lots, lot),
        "amount": share.amount.to_string(),
    })
}

fn ruin_json(book: &Book, rules: &Rules, answer: &Ruin) -> Value {
    let names = |places: &[usize]| places.iter().map(|at| account(book, *at)).collect::<Vec<_>>();
    let ended = answer.ruined.iter().map(|one| {
        let positions = one.endings.iter().map(|ending| {
            let lot = lot_of(book, one.account, &ending.contract);
            json!({
                "contract": ending.contract,
                "lots": ending.lots.to_string(),
                "loss": ending.loss[0].to_string(),
                "others": ending.loss[1].to_string(),
                "bankruptcy_price": ending.bankruptcy.map(price),
                "shares": ending.shares.iter().map(|share| share_json(book, lot, share)).collect::<Vec<_>>(),
                "left": ending.left.to_string(),
            })
        });
        json!({
            "account": account(book, one.account),
            "market": book.markets[book.accounts[one.account].market].name,
            "loss": one.loss.to_string(),
            "bucket_fund": one.borne.bucket.to_string(),
            "shared_fund": one.borne.shared.to_string(),
            "others": one.borne.others.to_string(),
            "positions": positions.collect::<Vec<_>>(),
            "left": one.left.to_string(),
        })
    });
    let funds = rules.funds.iter().zip(&answer.funds).map(|(fund, left)| {
        json!({
            "market": fund.market,
            "contracts": fund.contracts,
            "amount": fund.amount.to_string(),
            "left": left.to_string(),
        })
    });
    let last = rules.last.iter().map(|(market, last)| {
        json!({"market": market, "by": if *last == Last::Socialise { "socialise" } else { "deleverage" }})
    });
    json!({
        "format": 1,
        "provenance": provenance_json(&provenance(book)),
        "decimals": DIGITS,
        "ruined": ended.collect::<Vec<_>>(),
        "funds": funds.collect::<Vec<_>>(),
        "last": last.collect::<Vec<_>>(),
        "unknown": names(&answer.unknown),
        "beyond": names(&answer.beyond),
    })
}

pub(super) fn order(args: &AdlArgs) -> u8 {
    let book = match asked(&args.book, &args.price, args.at.as_deref()) {
        Ok(book) => book,
        Err(code) => return code,
    };
    let only = match args.account.as_deref().map(|name| plimsoll::account(&book, name)).transpose() {
        Ok(only) => only,
        Err(why) => return refuse(&why),
    };
    let mut all = queues(&book);
    if let Some(only) = only {
        for queue in &mut all {
            queue.sides.iter_mut().for_each(|side| side.retain(|rank| rank.account == only));
            queue.unknown.retain(|account| *account == only);
        }
        all.retain(|queue| queue.sides.iter().any(|side| !side.is_empty()) || !queue.unknown.is_empty());
    }
    if args.json {
        let queues = all.iter().map(|queue| queue_json(&book, queue)).collect::<Vec<_>>();
        outln!(
            "{:#}",
            json!({"format": 1, "provenance": provenance_json(&provenance(&book)), "decimals": DIGITS, "contracts": queues})
        );
    } else {
        print_order(&book, &all);
    }
    let unknown = all.iter().any(|queue| !queue.unknown.is_empty() || queue.mark.is_none());
    if unknown { exit::UNKNOWN } else { exit::CALM }
}

/// Profit x leverage as the order has it: mark / entry x notional / value of a long one.
fn score(rank: &Rank, queue: &Queue) -> String {
    let Some(mark) = queue.mark.map(U256::new) else { return "?".into() };
    let entry = U256::new(rank.entry);
    let (over, under) = if rank.lots < 0 { (entry, mark) } else { (mark, entry) };
    let (lot, decimals) = queue.lot;
    let found = || {
        // Thousandths: over / under x base x mark / value.
        let base = U256::new(rank.lots.unsigned_abs()).mul(lot)?;
        let notional = base.mul_div_wide(mark, U256::pow10(decimals)?, Rounding::Down)?;
        let value = U256::new(rank.value.max(0).unsigned_abs());
        let leverage = notional.mul_div_wide(U256::from(1_000_000_u32), value, Rounding::Down)?;
        leverage.mul_div_wide(over, under, Rounding::Down)
    };
    found().map_or_else(|| "?".into(), |score| show::way(Int::from(score), 6, 3))
}

fn print_order(book: &Book, all: &[Queue]) {
    if all.is_empty() {
        outln!("no position of the book would be closed for another's loss");
    }
    for queue in all {
        let mark = queue.mark.map_or_else(|| "unknown: no order is known".into(), price);
        outln!("{} in {}, worth {mark}", queue.contract, book.markets[queue.market].name);
        for (side, who) in queue
            .sides
            .iter()
            .zip(["long, if a short one went bankrupt", "short, if a long one went bankrupt"])
        {
            if side.is_empty() {
                continue;
            }
            let mut rows = table(
                &[who, "position", "entered at", "profit x leverage", "lots before", "base before"],
                1..6,
            );
            for rank in side {
                rows.add_row([
                    account(book, rank.account).to_string(),
                    base(rank.lots.unsigned_abs(), queue.lot),
                    price(rank.entry),
                    score(rank, queue),
                    rank.before.to_string(),
                    base(rank.before, queue.lot),
                ]);
            }
            outln!("{}", rows.trim_fmt());
        }
        if !queue.unknown.is_empty() {
            outln!("unknown, and in no order: {}", names(book, &queue.unknown));
        }
        outln!();
    }
    outln!("first is closed first; {} with positions", counted(all.len() as u64, "contract"));
    print_foot(&provenance(book));
}

fn queue_json(book: &Book, queue: &Queue) -> Value {
    let side = |side: &[Rank]| {
        let rank = |rank: &Rank| {
            json!({
                "account": account(book, rank.account),
                "lots": rank.lots.to_string(),
                "base": base(rank.lots.unsigned_abs(), queue.lot),
                "lots_before": rank.before.to_string(),
                "entry_price": price(rank.entry),
                "value": rank.value.to_string(),
            })
        };
        side.iter().map(rank).collect::<Vec<_>>()
    };
    json!({
        "market": book.markets[queue.market].name,
        "contract": queue.contract,
        "price": queue.mark.map(price),
        "long": side(&queue.sides[0]),
        "short": side(&queue.sides[1]),
        "unknown": queue.unknown.iter().map(|at| account(book, *at)).collect::<Vec<_>>(),
    })
}
