//! What tests of questions share: the example books, doing an action by hand, and a generator.
#![allow(dead_code, clippy::expect_used)] // each test file uses some of it, and fails where a book cannot be read

pub(crate) mod hand;
pub(crate) mod small;

use plimsoll_core::{
    Action, Amount, Book, Call, Effects, Feeds, InstrumentId, Kind, Reading, Refusal, Silent, Time, U256,
};
use plimsoll_io::book::{self, File, FileBytes};
use std::path::Path;

/// A book of the folder `examples`.
pub(crate) fn example(name: &str) -> Book {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    sound(book::open(&path))
}

/// An example whose files are changed one by one, by their names.
pub(crate) fn rewritten(name: &str, otherwise: impl Fn(&str, &str) -> String) -> Book {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let markets = std::fs::read_dir(folder.join("markets")).expect("the markets");
    let markets = markets.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = markets.map(|market| format!("markets/{market}")).collect();
    names.sort();
    names.extend(["book.toml", "feeds.csv", "positions.csv"].map(String::from));
    let read = |name: String| {
        let text = std::fs::read_to_string(folder.join(&name)).expect("a file of the example");
        let bytes = FileBytes::Read(otherwise(&name, &text).into_bytes());
        File { name, bytes }
    };
    sound(book::read(names.into_iter().map(read).collect()))
}

/// A reserve of a pool without rates, caps and fee; `rest` are more lines of it.
pub(crate) struct Plain<'t> {
    pub(crate) decimals: u8,
    pub(crate) price: u64,
    pub(crate) threshold: u64,
    pub(crate) bonus: u64,
    pub(crate) borrow_index: &'t str,
    pub(crate) rest: &'t str,
}

/// A book of one pool with reserves A0, A1, ... priced in raw units, and the account `u`; `rows` are side, reserve and
/// scaled quantity.
pub(crate) fn plain(revision: &str, reserves: &[Plain<'_>], rows: &[(&str, usize, u64)]) -> Book {
    let mut feeds = "feed,kind,price,unit,source,observed_at,max_age,confidence\n".to_string();
    let mut market = format!("venue = \"aave_v3\"\nrevision = \"{revision}\"\ncurrency = \"USD\"\n");
    for (at, reserve) in reserves.iter().enumerate() {
        let Plain { decimals, price, threshold, bonus, borrow_index, rest } = reserve;
        feeds += &format!("F{at},oracle,{price},USD raw,test,,,\n");
        market += &format!(
            "[[reserves]]\nasset = \"A{at}\"\nfeed = \"F{at}\"\ndecimals = {decimals}\nltv = {}\n\
             liquidation_threshold = {threshold}\nliquidation_bonus = {bonus}\n{rest}\n[reserves.state]\n\
             liquidity_index = \"1000000000000000000000000000\"\nvariable_borrow_index = \"{borrow_index}\"\n\
             liquidity_rate = 0\nvariable_borrow_rate = 0\nlast_update = 1700000000\n\
             scaled_supply = \"1000000000000000\"\nscaled_debt = \"1000000000000\"\n{} = \"1000000000000000\"\n",
            threshold.saturating_sub(250),
            if revision < "3.1" { "cash" } else { "virtual_balance" },
        );
    }
    let mut positions = "account,market,kind,asset,quantity,unit,as_collateral\n".to_string();
    for (side, at, quantity) in rows {
        let counts = if *side == "supply" { "yes" } else { "" };
        positions += &format!("u,pool,{side},A{at},{quantity},scaled,{counts}\n");
    }
    let head = "format = 1\nname = \"plain\"\nat = 1700000000\n".to_string();
    let files = [
        ("book.toml", head),
        ("feeds.csv", feeds),
        ("positions.csv", positions),
        ("markets/pool.toml", market),
    ];
    let file =
        |(name, text): (&str, String)| File { name: name.into(), bytes: FileBytes::Read(text.into_bytes()) };
    sound(book::read(files.into_iter().map(file).collect()))
}

/// The book, of which nothing may be faulty.
#[track_caller]
pub(crate) fn sound(opened: book::Opened) -> Book {
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    opened.book
}

/// The book, written to files and read from them.
#[track_caller]
pub(crate) fn through_files(book: &Book) -> Book {
    let written = book::write(book).expect("the book can be written");
    let file = |(name, bytes): &(String, Vec<u8>)| File {
        name: name.clone(),
        bytes: FileBytes::Read(bytes.clone()),
    };
    sound(book::read(written.files.iter().map(file).collect()))
}

/// The account of a name.
#[track_caller]
pub(crate) fn place(book: &Book, name: &str) -> usize {
    book.accounts.iter().position(|listed| listed.name == name).expect("the account")
}

/// What a market of a book reads at a time.
pub(crate) fn readings(book: &Book, market: usize, at: Time) -> Vec<Reading> {
    book.readings(&book.markets[market], &book.graph.quotes(at))
}

/// What an account's own action does at a time, by the market itself.
pub(crate) fn act(book: &Book, account: usize, at: Time, action: Action) -> Result<Effects, Refusal> {
    let listed = &book.accounts[account];
    let id = listed.account.id;
    let readings = readings(book, listed.market, at);
    let call = Call { actor: id, account: id, at, action };
    book.markets[listed.market].market.act(&call, book, Feeds { readings: &readings }, &mut Silent)
}

/// The book after effects in a market, with every account looked at: written apart from what is tested.
pub(crate) fn after(book: &Book, market: usize, at: Time, effects: &Effects) -> Book {
    let mut next = book.clone();
    next.at = at;
    next.markets[market].market.apply(effects).expect("effects of the market's own");
    for listed in &mut next.accounts {
        listed.account = effects.apply_to(&listed.account).expect("within 256 bits");
    }
    next
}

/// A receipt or debt of a market by its asset.
#[track_caller]
pub(crate) fn holding(book: &Book, market: usize, kind: Kind, asset: &str) -> InstrumentId {
    let mut all = (0..).zip(book.markets[market].market.instruments());
    let found = all.find(|(_, i)| i.kind == kind && i.asset == asset);
    InstrumentId(found.expect("the instrument").0)
}

/// So many raw units.
pub(crate) fn raw(amount: u128) -> Amount {
    Amount::Assets(U256::new(amount))
}

/// Numbers of a seed, the same everywhere (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// One of a list.
    pub(crate) fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len() as u64) as usize]
    }
}
