//! Amounts given in tokens become exactly what the venue would record for the same deposit or loan.

mod common;

use common::{files, sound};
use plimsoll_core::{
    Action, Amount, Book, Call, Feeds, InstrumentId, Int, Kind, ListedAccount, Party, Silent, U256,
};
use plimsoll_io::book;
use std::path::Path;

/// The example book with one revision for its Aave market and these rows.
fn example(revision: &str, rows: &str) -> Book {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/treasury");
    let mut written = book::write(&sound(book::open(&folder))).expect("the example can be written");
    for (name, text) in &mut written.files {
        match name.as_str() {
            "markets/aave-core.toml" => {
                let market = String::from_utf8_lossy(text);
                *text = market.replace("revision = \"3.5\"", &format!("revision = \"{revision}\"")).into();
            }
            "positions.csv" => *text = format!("account,market,kind,asset,quantity,unit\n{rows}").into(),
            _ => {}
        }
    }
    sound(book::read(files(&written)))
}

/// What the market's own action gives the account.
fn recorded(book: &Book, account: &ListedAccount, instrument: InstrumentId, raw: U256) -> Int {
    let market = &book.markets[account.market];
    let kind = market.market.instruments()[instrument.index()].kind;
    let amount = Amount::Assets(raw);
    let action = match kind {
        Kind::Debt => Action::Borrow { debt: instrument, amount },
        _ => Action::Deposit { into: instrument, amount },
    };
    let id = account.account.id;
    let call = Call { actor: id, account: id, at: book.at, action };
    let readings = book.readings(market, &book.graph.quotes(book.at));
    let accounts = vec![account.account.clone()];
    let effects = market.market.act(&call, &accounts, Feeds { readings: &readings }, &mut Silent);
    effects.expect("the action is allowed").net(Party::Account(id), instrument).expect("a change")
}

#[test]
fn tokens_become_what_the_venue_records() {
    let assets = [
        ("aave-core", "WETH", 18, "debt"),
        ("aave-core", "USDC", 6, "supply"),
        ("aave-core", "wstETH", 18, "supply"),
        ("aave-core", "USDC", 6, "debt"),
        ("morpho-wsteth-usdc", "USDC", 6, "supply"),
        ("morpho-wsteth-usdc", "USDC", 6, "debt"),
        ("morpho-wsteth-usdc", "wstETH", 18, "collateral"),
    ];
    for revision in ["3.2", "3.3", "3.4", "3.5", "3.6", "3.7"] {
        for (market, asset, decimals, kind) in assets {
            for raw in ["1234567", "1234568", "99999999", "100000003", "7777777777", "31415926535"] {
                let token = format!("{raw:0>25}");
                let (whole, fraction) = token.split_at(token.len() - decimals);
                let backing = if market == "aave-core" { "WETH" } else { "wstETH" };
                let with = |row: String| {
                    format!(
                        "rich,{market},collateral,{backing},1000,token\nx,{market},{kind},{asset},{row}\n"
                    )
                };
                let book = example(revision, &with(format!("{whole}.{fraction},token")));
                let same = example(revision, &with(format!("{raw},raw")));
                let (rich, held) = (&book.accounts[0], &book.accounts[1].account);
                assert_eq!(held, &same.accounts[1].account);
                let [holding] = held.holdings() else { panic!("one holding") };
                let raw = raw.parse().expect("digits");
                let expected = recorded(&book, rich, holding.instrument, raw);
                assert_eq!(holding.quantity, expected, "{revision} {market} {kind} {asset} {raw}");
            }
        }
    }
}
