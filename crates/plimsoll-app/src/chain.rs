//! What commands that ask a chain share, and `plimsoll fetch`, `plimsoll check --against-chain`.

use crate::args::{CheckArgs, FetchArgs, Form, RpcArgs};
use crate::check::{counted, open, provenance_json};
use crate::progress::Progress;
use crate::show::{errln, outln};
use crate::{exit, show};
use plimsoll_chain::abi::unhex;
use plimsoll_chain::against::{Compared, Report, compare};
use plimsoll_chain::fetch::{AT_ONCE, Fetched, Progress as Step, Request, Venue, fetch};
use plimsoll_chain::{ChainError, Client, Origin, Settings};
use plimsoll_io::export;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// Why nothing came of a chain; told.
pub(crate) fn refused(error: &ChainError) -> u8 {
    errln!("plimsoll: {error} [{}]", error.code());
    if matches!(error, ChainError::BadArgument(..)) { exit::USAGE } else { exit::FAULTY }
}

/// The endpoints that the arguments or the environment name.
pub(crate) fn client(args: &RpcArgs) -> Result<Client, ChainError> {
    let mut urls = args.rpc.clone();
    if urls.is_empty() {
        urls.extend(std::env::var("ETH_RPC_URL").ok().filter(|url| !url.is_empty()));
    }
    let Some(first) = urls.first() else {
        let expected = "an endpoint: --rpc URL, or ETH_RPC_URL in the environment";
        return Err(ChainError::BadArgument("none".into(), expected));
    };
    Client::new(Settings {
        quorum: args.quorum,
        batch: usize::from(args.batch),
        retries: args.retries,
        timeout: Duration::from_secs(u64::from(args.timeout)),
        per_second: args.per_second,
        urls: urls.clone(),
        ..Settings::of(first)
    })
}

pub(crate) fn run(args: &FetchArgs) -> u8 {
    match fetched(args) {
        Ok(code) => code,
        Err(error) => {
            let code = refused(&error);
            if code == exit::FAULTY {
                errln!("plimsoll: nothing was written; the same command goes on with what was read");
            }
            code
        }
    }
}

/// The folder in which a fetch keeps what it has read.
fn state(args: &FetchArgs) -> PathBuf {
    args.state.clone().unwrap_or_else(|| {
        let mut name = args.out.file_name().unwrap_or_default().to_os_string();
        name.push(".fetch");
        args.out.with_file_name(name)
    })
}

fn request(args: &FetchArgs) -> Result<Request, ChainError> {
    let pools = args.aave_v3.iter().map(|at| Ok(Venue::AaveV3(at.parse()?)));
    let mut venues = pools.collect::<Result<Vec<_>, ChainError>>()?;
    if let Some(at) = &args.morpho_blue {
        let id = |text: &String| {
            let word = unhex(text).and_then(|bytes| bytes.try_into().ok());
            word.ok_or_else(|| {
                ChainError::BadArgument(text.clone(), "a market's id: 0x and 64 hexadecimal digits")
            })
        };
        let ids = args.morpho_market.iter().map(id).collect::<Result<_, _>>()?;
        venues.push(Venue::MorphoBlue(at.parse()?, ids));
    }
    if venues.is_empty() {
        return Err(ChainError::BadArgument("no venue".into(), "--aave-v3 ADDRESS or --morpho-blue ADDRESS"));
    }
    let mut owners = args.owner.iter().map(|owner| owner.parse()).collect::<Result<Vec<_>, _>>()?;
    owners.sort_unstable();
    owners.dedup();
    Ok(Request {
        block: args.block,
        chain: args.chain,
        first: args.from_block,
        owners,
        venues,
        form: args.to.map(|form| match form {
            Form::Csv => export::Form::Csv,
            Form::Parquet => export::Form::Parquet,
        }),
        state: state(args),
        at_once: AT_ONCE,
    })
}

fn fetched(args: &FetchArgs) -> Result<u8, ChainError> {
    let request = request(args)?;
    let client = client(&args.rpc)?;
    let mut shown: Option<(&'static str, Progress)> = None;
    let mut progress = |step: Step| {
        let (what, done, all) = match step {
            Step::Began(..) => return,
            Step::Logs(_, done, all) => ("blocks of logs", done, all),
            Step::Accounts(_, done, all) => ("accounts", done as u64, all as u64),
        };
        if shown.as_ref().is_none_or(|(before, _)| *before != what) {
            shown = Some((what, Progress::new(what, all)));
        }
        if let Some((_, progress)) = &mut shown {
            progress.at(done);
        }
    };
    let fetched = fetch(&client, &request, &mut progress)?;
    drop(shown);
    let Fetched { block, accounts, asked, notes, .. } = &fetched;
    let (block, accounts, asked, notes) = (block.clone(), *accounts, *asked, notes.clone());
    fetched.save(&args.out)?;
    for note in &notes {
        errln!("plimsoll: note: {note}");
    }
    if args.json {
        outln!(
            "{:#}",
            json!({
                "format": 1,
                "book": args.out.display().to_string(),
                "chain": block.chain,
                "block": block.number,
                "block_hash": block.hash,
                "at": block.time,
                "accounts": accounts,
                "round_trips": asked.round_trips,
                "requests": asked.requests,
                "calls": asked.calls,
                "repeated": asked.repeated,
                "notes": notes,
            })
        );
    } else {
        outln!("{}: chain {}, block {}, {}", args.out.display(), block.chain, block.number, block.hash);
        outln!(
            "{} in {} ({} of contracts)",
            counted(accounts as u64, "account"),
            counted(asked.round_trips, "round trip"),
            counted(asked.calls, "call")
        );
    }
    Ok(exit::CALM)
}

/// `check --against-chain`.
pub(crate) fn against(args: &CheckArgs) -> u8 {
    let (book, _) = match open(&args.book, false) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let mut shown: Option<Progress> = None;
    let mut progress = |_: &str, done: usize, all: usize| {
        if done == 0 || shown.is_none() {
            shown = Some(Progress::new("accounts", all as u64));
        }
        if let Some(shown) = &mut shown {
            shown.at(done as u64);
        }
    };
    let report = Origin::open(&args.book).and_then(|origin| {
        let client = client(&args.rpc)?;
        Ok((compare(&client, &origin, &book, &mut progress)?, origin))
    });
    drop(shown);
    let (report, origin) = match report {
        Ok(report) => report,
        Err(error) => return refused(&error),
    };
    if args.json {
        let readings: Vec<_> =
            book.markets.iter().map(|market| book.readings(market, &book.graph.quotes(book.at))).collect();
        let identity = plimsoll::identity(&book, book.at, &readings);
        outln!(
            "{:#}",
            json!({
                "format": 1,
                "provenance": provenance_json(&identity),
                "chain": origin.block.chain,
                "block": origin.block.number,
                "block_hash": origin.block.hash,
                "equal": report.equal(),
                "markets": report.markets.iter().map(market_json).collect::<Vec<_>>(),
                "round_trips": report.asked.round_trips,
                "calls": report.asked.calls,
            })
        );
    } else {
        print(&report, &origin);
    }
    if report.equal() { exit::CALM } else { exit::UNHEALTHY }
}

fn market_json(market: &Compared) -> serde_json::Value {
    json!({
        "name": market.market,
        "accounts": market.accounts,
        "accounts_equal": market.accounts_equal,
        "numbers": market.numbers,
        "equal": market.equal,
        "differences": market.differences.iter().map(|one| json!({
            "account": one.account,
            "what": one.what,
            "book": one.book,
            "chain": one.chain,
        })).collect::<Vec<_>>(),
    })
}

fn print(report: &Report, origin: &Origin) {
    let block = &origin.block;
    outln!("chain {}, block {}, {}", block.chain, block.number, block.hash);
    for market in &report.markets {
        let grouped = |number: u64| show::grouped(&number.to_string());
        outln!(
            "{}: {} of {} equal in every number; {} of {} numbers equal",
            market.market,
            grouped(market.accounts_equal),
            counted(market.accounts, "account"),
            grouped(market.equal),
            grouped(market.numbers)
        );
        for one in &market.differences {
            let account = one.account.as_deref().unwrap_or("the market");
            outln!("  {account}: {}: book {}, chain {}", one.what, one.book, one.chain);
        }
        let more = (market.numbers - market.equal).saturating_sub(market.differences.len() as u64);
        if more > 0 {
            outln!("  and {} more", grouped(more));
        }
    }
    if report.equal() {
        outln!("every number is the chain's");
    }
}
