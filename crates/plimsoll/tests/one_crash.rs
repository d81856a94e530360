//! One position at six venues in one crash, to the unit; and every number of `docs/one-crash.md`.
//!
//! Stablecoins are counted in wad here whatever their decimals, and values in dollars likewise: one stablecoin is one
//! dollar. What is not whole in wad is cut in tables alone, never in a sum.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{after, example, readings, through_files};
use plimsoll::{Change, Ladder, NewPrice, check, liquidate, whatif_all};
use plimsoll_core::{
    AccountId, Action, Book, Call, Decimal, Effects, Feeds, Instrument, Int, Kind, ListedAccount,
    ListedMarket, Mechanism, Party, Rounding, Silent, Time, U256, Verdict,
};
use plimsoll_venues::{compound_v3, maker};
use std::fmt::Write;

const WAD: i128 = 10_i128.pow(18);
/// A keeper who is no account of the book.
const KEEPER: AccountId = AccountId(1 << 40);
const AAVE: &str = "aave-core";
const AAVE_V4: &str = "aave-v4";
const MORPHO: &str = "morpho-weth-usdc";
const COMPOUND: &str = "compound-usdc";
const MAKER: &str = "maker-eth-a";
const LIQUITY: &str = "liquity-bold";
const VENUES: [(&str, &str); 6] = [
    (AAVE, "Aave v3"),
    (AAVE_V4, "Aave v4"),
    (MORPHO, "Morpho Blue"),
    (COMPOUND, "Compound v3"),
    (MAKER, "Maker"),
    (LIQUITY, "Liquity v2"),
];
/// Dollars for one ether, an hour apart.
const SLOW: [i128; 8] = [3000, 2850, 2600, 2350, 2150, 2000, 2050, 2100];
/// The same without the hour at 2150.
const GAP: [i128; 7] = [3000, 2850, 2600, 2350, 2000, 2050, 2100];

// ---- numbers --------------------------------------------------------------------------------------------------

/// Raw units of an instrument with so many decimals, in wad. What wad cannot hold must not be there.
fn in_wad(amount: Int, decimals: u8) -> i128 {
    let size = amount.magnitude();
    let power = |digits| U256::pow10(digits).expect("a power");
    let size = if decimals > 18 {
        let finer = power(decimals - 18);
        let whole = size.div(finer, Rounding::Down).expect("a power");
        assert_eq!(whole.mul(finer), Some(size), "finer than wad");
        whole
    } else {
        size.mul(power(18 - decimals)).expect("small")
    };
    let size = size.to_u128().expect("small").cast_signed();
    if amount.is_negative() { -size } else { size }
}

/// A wad with so many digits, cut, with a comma at thousands.
fn told(wad: i128, digits: u32) -> String {
    let size = wad.unsigned_abs() / 10_u128.pow(18 - digits);
    let (whole, rest) = (size / 10_u128.pow(digits), size % 10_u128.pow(digits));
    let mut text = String::new();
    let name = whole.to_string();
    for (at, digit) in name.chars().enumerate() {
        if at > 0 && (name.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    let sign = if wad < 0 && size > 0 { "-" } else { "" };
    let point = if digits > 0 { format!(".{rest:0width$}", width = digits as usize) } else { String::new() };
    format!("{sign}{text}{point}")
}

fn ether(wad: i128) -> String {
    told(wad, 6)
}

fn dollars(wad: i128) -> String {
    told(wad, 2)
}

// ---- what a book says -----------------------------------------------------------------------------------------

fn market(book: &Book, name: &str) -> usize {
    book.markets.iter().position(|listed| listed.name == name).expect("the market")
}

fn ada(book: &Book, name: &str) -> usize {
    let market = market(book, name);
    let found = book.accounts.iter().position(|listed| listed.market == market && listed.name == "ada");
    found.expect("her account")
}

/// The `nth` number of a name in a market, in the order in which the market shows them, in wad.
fn number(book: &Book, name: &str, number: &str, nth: usize) -> i128 {
    let mut found = Vec::new();
    book.markets[market(book, name)].market.visit(&mut |_, field, unit, value| {
        if field == number {
            found.push(in_wad(value, unit.decimals));
        }
    });
    found[nth]
}

/// What an account has of every instrument of an asset and a kind: for one unit of it one token is due, since no
/// interest arises; shares of Morpho have six digits more than their asset.
fn has(book: &Book, account: usize, wanted: &dyn Fn(&Instrument) -> bool) -> i128 {
    let listed = &book.accounts[account];
    let known = book.markets[listed.market].market.instruments();
    let holdings = listed.account.holdings().iter();
    let mine = holdings.filter(|holding| wanted(&known[holding.instrument.index()]));
    mine.map(|holding| in_wad(holding.quantity, known[holding.instrument.index()].decimals)).sum()
}

/// Ether, or a claim to it, which has the name of what it is a claim to.
fn is_ether(spec: &Instrument) -> bool {
    spec.asset.starts_with("WETH")
}

// ---- what happens ---------------------------------------------------------------------------------------------

/// What has moved at one venue so far, in wad.
#[derive(Default)]
struct Moved {
    /// Ether that the keeper received.
    keeper_ether: i128,
    /// Stablecoin that the keeper paid, less what he was rewarded with.
    keeper_paid: i128,
    /// What he made of it, selling ether at the price of the hour.
    keeper_gain: i128,
    /// Ether that the protocol or its pool received.
    house_ether: i128,
    /// Its value at the price of the hour.
    house_value: i128,
}

struct Venue {
    name: &'static str,
    moved: Moved,
    /// Hour, price, health before anybody acts, what happened.
    path: Vec<(usize, i128, String, Vec<String>)>,
}

struct World {
    book: Book,
    price: i128,
}

impl World {
    fn call(&self, name: &str, at: Time, mechanism: Mechanism) -> Option<Effects> {
        self.act(name, at, Action::Liquidate(mechanism))
    }

    /// What the keeper's call to her account would do; nothing where the venue refuses it.
    fn act(&self, name: &str, at: Time, action: Action) -> Option<Effects> {
        let listed = &self.book.accounts[ada(&self.book, name)];
        let call = Call { actor: KEEPER, account: listed.account.id, at, action };
        let readings = readings(&self.book, listed.market, at);
        let feeds = Feeds { readings: &readings };
        self.book.markets[listed.market].market.act(&call, &self.book, feeds, &mut Silent).ok()
    }

    /// Ether and stablecoin that parties received by effects, of every instrument.
    fn nets(&self, name: &str, effects: &Effects, parties: &[Party]) -> (i128, i128) {
        let known = self.book.markets[market(&self.book, name)].market.instruments();
        let (mut ether, mut stable) = (0, 0);
        for flow in &effects.flows {
            let spec = &known[flow.instrument.index()];
            let amount = in_wad(Int::from(flow.amount), spec.decimals);
            let sign = |party| i128::from(parties.contains(&party));
            let net = amount * (sign(flow.to) - sign(flow.from));
            if is_ether(spec) { ether += net } else { stable += net }
        }
        (ether, stable)
    }

    fn value(&self, ether: i128) -> i128 {
        ether * self.price
    }

    fn gain(&self, name: &str, effects: &Effects) -> i128 {
        let (ether, stable) = self.nets(name, effects, &[Party::Wallet(KEEPER), Party::Keeper]);
        self.value(ether) + stable
    }

    /// Applies what was done, and keeps the account of who received what.
    fn done(&mut self, venue: &mut Venue, at: Time, effects: &Effects) {
        let (ether, stable) = self.nets(venue.name, effects, &[Party::Wallet(KEEPER), Party::Keeper]);
        venue.moved.keeper_ether += ether;
        venue.moved.keeper_paid -= stable;
        venue.moved.keeper_gain += self.gain(venue.name, effects);
        let (ether, _) = self.nets(venue.name, effects, &[Party::Treasury, Party::StabilityPool]);
        venue.moved.house_ether += ether;
        venue.moved.house_value += self.value(ether);
        self.book = after(&self.book, market(&self.book, venue.name), at, effects);
    }

    fn hour(&mut self, venue: &mut Venue) -> Vec<String> {
        match venue.name {
            AAVE | AAVE_V4 | MORPHO => self.discount(venue),
            COMPOUND => self.absorb(venue),
            MAKER => self.auction(venue),
            _ => self.offset(venue),
        }
    }

    /// Both Aaves and Morpho: the best that the keeper can do, while it pays.
    fn discount(&mut self, venue: &mut Venue) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let account = ada(&self.book, venue.name);
            let answer = liquidate(&self.book, account, Decimal::whole(Int::ZERO)).expect("an answer");
            let Some(pair) = answer.pairs.first() else { break };
            let Some(sale) = pair.outcome.as_ref().ok().filter(|sale| sale.pays()) else { break };
            let (repay, seize) = (pair.debt.instrument, pair.collateral.instrument);
            let call = Mechanism::Discount { repay, seize, lot: sale.lot, receive: sale.receive };
            let effects = self.call(venue.name, self.book.at, call).expect("what was advised is accepted");
            assert_eq!(effects.liquidated, Some(sale.does.clone()));
            let raw = |amount: U256, side: &plimsoll::Side| in_wad(Int::from(amount), side.decimals);
            let (paid, taken) = (raw(sale.does.repaid, &pair.debt), raw(sale.does.seized, &pair.collateral));
            let fee = raw(sale.does.fee, &pair.collateral);
            let mut line = format!("{} USDC repaid for {} WETH", dollars(paid), ether(taken));
            if fee != 0 {
                write!(line, ", of which {} go to the protocol", ether(fee)).expect("a text");
            }
            for (_, amount) in &sale.does.bad_debt {
                let amount = dollars(in_wad(Int::from(*amount), pair.debt.decimals));
                write!(line, "; {amount} USDC are written off").expect("a text");
            }
            told.push(line);
            let at = self.book.at;
            self.done(venue, at, &effects);
        }
        told
    }

    /// Compound: absorb, then buy all that the protocol sells.
    fn absorb(&mut self, venue: &mut Venue) -> Vec<String> {
        let (at, account) = (self.book.at, ada(&self.book, venue.name));
        let id = self.book.accounts[account].account.id;
        let owed = has(&self.book, account, &|it| it.kind == Kind::Debt);
        let Some(effects) = self.call(venue.name, at, Mechanism::Absorb { accounts: vec![id] }) else {
            return Vec::new();
        };
        self.done(venue, at, &effects);
        let credit = has(&self.book, account, &|it| it.asset == "USDC");
        let mut told =
            vec![format!("absorbed: {} USDC of debt for {} WETH", dollars(owed), ether(100 * WAD))];
        if credit > 0 {
            told[0] += &format!(", {} USDC are credited to Ada", dollars(credit));
        }
        let short = effects.liquidated.expect("an absorption").bad_debt;
        for (_, amount) in short {
            told[0] += &format!("; {} USDC are not covered", dollars(in_wad(Int::from(amount), 6)));
        }
        // What is for sale, and at which price, the market itself names.
        let market = market(&self.book, venue.name);
        let readings = readings(&self.book, market, at);
        let account = &self.book.accounts[account].account;
        let calls = self.book.markets[market].market.forced(account, Feeds { readings: &readings });
        for call in calls {
            assert!(
                matches!(call, Mechanism::BuyReserve { asset, .. } if asset == compound_v3::collateral(0))
            );
            let effects = self.call(venue.name, at, call).expect("what is for sale can be bought");
            assert!(self.gain(venue.name, &effects) > 0);
            let (bought, paid) = self.nets(venue.name, &effects, &[Party::Wallet(KEEPER)]);
            told.push(format!("{} WETH bought of the protocol for {} USDC", ether(bought), dollars(-paid)));
            self.done(venue, at, &effects);
        }
        told
    }

    /// Maker: both pokes when they are due, bark, and the auction once it is three per cent below the market.
    fn auction(&mut self, venue: &mut Venue) -> Vec<String> {
        let hour = self.book.at;
        let mut told = Vec::new();
        if let Some(effects) = self.act(venue.name, hour, Action::Poke { slot: maker::POKE_ORACLE }) {
            self.done(venue, hour, &effects);
            let [now, next] =
                ["current_price", "next_price"].map(|price| number(&self.book, venue.name, price, 0));
            told.push(format!("the price in force is {}, the next {}", dollars(now), dollars(next)));
            let effects = self.act(venue.name, hour, Action::Poke { slot: maker::POKE_SPOT });
            self.done(venue, hour, &effects.expect("anybody may"));
        }
        if let Some(effects) = self.call(venue.name, hour, Mechanism::Bark) {
            let (_, reward) = self.nets(venue.name, &effects, &[Party::Wallet(KEEPER)]);
            self.done(venue, hour, &effects);
            told.push(format!("bark: {} WETH on auction, reward {} DAI", ether(100 * WAD), dollars(reward)));
        }
        let mut steps = 0_u64;
        while self.book.at < hour.plus(3600) {
            let market = market(&self.book, venue.name);
            let running = self.book.markets[market].market.running(self.book.at);
            let Some(auction) = running.first() else { break };
            let asks = in_wad_down(auction.asks.expect("a price").value);
            if asks * 100 <= self.price * WAD * 97 {
                let (auction, amount, max_price) = (auction.number, U256::MAX, U256::MAX);
                let at = self.book.at;
                let call = Mechanism::Take { auction, amount, max_price };
                let effects = self.call(venue.name, at, call).expect("it runs");
                let (bought, paid) = self.nets(venue.name, &effects, &[Party::Wallet(KEEPER)]);
                let (asks, bought, paid) = (dollars(asks), ether(bought), dollars(-paid));
                told.push(format!(
                    "after {steps} steps, {} minutes, it asks {asks}: {bought} WETH bought for {paid} DAI",
                    steps * 90 / 60
                ));
                self.done(venue, at, &effects);
                break;
            }
            self.book.at = self.book.at.plus(90);
            steps += 1;
        }
        told
    }

    /// Liquity: the stability pool takes the trove over.
    fn offset(&mut self, venue: &mut Venue) -> Vec<String> {
        let (at, account) = (self.book.at, ada(&self.book, venue.name));
        let id = self.book.accounts[account].account.id;
        let owed = has(&self.book, account, &|it| it.kind == Kind::Debt);
        let Some(effects) = self.call(venue.name, at, Mechanism::Batch { accounts: vec![id] }) else {
            return Vec::new();
        };
        let (reward, _) = self.nets(venue.name, &effects, &[Party::Keeper]);
        let (seized, _) = self.nets(venue.name, &effects, &[Party::StabilityPool]);
        self.done(venue, at, &effects);
        vec![format!(
            "the pool pays {} BOLD and receives {} WETH; whoever called receives {}",
            dollars(owed),
            ether(seized),
            ether(reward)
        )]
    }
}

/// A ray in wad, cut: the price that an auction asks is not round.
fn in_wad_down(ray: Int) -> i128 {
    let cut = ray.magnitude().div(U256::new(10_u128.pow(9)), Rounding::Down).expect("a price");
    cut.to_u128().expect("small").cast_signed()
}

/// Plays prices an hour apart through all six.
fn play(prices: &[i128]) -> (World, Book, Vec<Venue>) {
    let first = example("crash");
    let mut world = World { book: first.clone(), price: prices[0] };
    let new = |(name, _)| Venue { name, moved: Moved::default(), path: Vec::new() };
    let mut venues: Vec<Venue> = VENUES.into_iter().map(new).collect();
    for (hour, &price) in prices.iter().enumerate() {
        let at = first.at.plus(3600 * hour as u64);
        let to = NewPrice::Exactly(Decimal::whole(Int::new(price)));
        let changes = [Change::At(at), Change::Price { name: "WETH/USD".into(), to }];
        let answer = whatif_all(&world.book, &changes, &Ladder::default()).expect("an answer");
        assert_eq!(answer.refused, None);
        (world.book, world.price) = (answer.book, price);
        let rows = check(&world.book, at, &Ladder::default()).expect("sound").rows;
        for venue in &mut venues {
            world.book.at = at;
            let account = ada(&world.book, venue.name);
            let row = rows.iter().find(|row| row.account == account).expect("her row");
            assert!(row.liquidation.own.is_ok(), "{}: {:?}", venue.name, row.liquidation);
            let health = row.health.as_ref().map_or("-".to_string(), |ratio| cut(&ratio.to_string(), 3));
            let did = world.hour(venue);
            venue.path.push((hour, price, health, did));
        }
    }
    (world, first, venues)
}

/// A decimal with no more digits than these.
fn cut(text: &str, digits: usize) -> String {
    let end = text.find('.').map_or(text.len(), |point| (point + 1 + digits).min(text.len()));
    text[..end].to_string()
}

// ---- who ends with what ---------------------------------------------------------------------------------------

/// All of it in wad.
struct End {
    /// Collateral that still backs her debt.
    left: i128,
    /// What she still owes.
    debt: i128,
    /// Ether and stablecoin that are hers to take out.
    claim: [i128; 2],
    /// What the protocol and those who lend through it have more of their stablecoin.
    house: i128,
    /// What Ada has, at the last price.
    net: i128,
}

fn end(world: &World, first: &Book, name: &str) -> End {
    let book = &world.book;
    let market = market(book, name);
    // A surplus of her trove is her wallet's.
    let of_hers = |(_, listed): &(usize, &ListedAccount)| listed.market == market && listed.owner == "Ada";
    let hers: Vec<usize> = book.accounts.iter().enumerate().filter(of_hers).map(|(at, _)| at).collect();
    let has = |wanted: &dyn Fn(&Instrument) -> bool| -> i128 {
        hers.iter().map(|&account| has(book, account, wanted)).sum()
    };
    let free = |it: &Instrument| it.kind == Kind::Asset || it.name.contains("surplus");
    let left = has(&|it| is_ether(it) && !free(it));
    let debt = has(&|it| it.kind == Kind::Debt);
    let claim = [has(&|it| is_ether(it) && free(it)), has(&|it| !is_ether(it) && it.kind != Kind::Debt)];
    let grew = |field: &str, nth| number(book, name, field, nth) - number(first, name, field, nth);
    let house = match name {
        // Its second reserve is USDC.
        AAVE => -grew("deficit", 1),
        AAVE_V4 => -grew("deficit_ray", 1),
        MORPHO => grew("total_supply_assets", 0),
        COMPOUND => grew("base_balance", 0) + grew("total_borrow_base", 0) - grew("total_supply_base", 0),
        MAKER => grew("vow_dai", 0) - grew("vow_sin", 0),
        _ => grew("deposits", 0),
    };
    let net = world.value(left + claim[0]) + claim[1] - debt;
    End { left, debt, claim, house, net }
}

/// Everything that Ada had is somewhere, to the last unit.
fn adds_up(world: &World, first: &Book, venues: &[Venue]) {
    for venue in venues {
        let Venue { name, moved, .. } = venue;
        let end = end(world, first, name);
        // Whoever opens a trove leaves 0.0375 WETH for the one who will liquidate it.
        let reserve = if *name == LIQUITY { 375 * WAD / 10_000 } else { 0 };
        let ether = end.left + end.claim[0] + moved.keeper_ether + moved.house_ether;
        assert_eq!(ether, 100 * WAD + reserve, "ether at {name}");
        let paid_off = 200_000 * WAD - end.debt + end.claim[1];
        assert_eq!(paid_off + end.house, moved.keeper_paid, "stablecoin at {name}");
        // Both in dollars: what she had at the last price is what she and all others have of it.
        let last = 100 * WAD * world.price - 200_000 * WAD + reserve * world.price;
        let keeper = world.value(moved.keeper_ether) - moved.keeper_paid;
        assert_eq!(end.net + keeper + world.value(moved.house_ether) + end.house, last, "dollars at {name}");
    }
    // The pools' own books say the same.
    let moved = |name| &venues.iter().find(|venue| venue.name == name).expect("a venue").moved;
    let grew =
        |name, field: &str, nth| number(&world.book, name, field, nth) - number(first, name, field, nth);
    assert_eq!(grew(AAVE, "virtual_balance", 1), moved(AAVE).keeper_paid);
    assert_eq!(grew(AAVE, "virtual_balance", 0), -moved(AAVE).keeper_ether);
    assert_eq!(grew(COMPOUND, "base_balance", 0), moved(COMPOUND).keeper_paid);
    assert_eq!(grew(LIQUITY, "pool_collateral", 0), moved(LIQUITY).house_ether);
    assert_eq!(grew(LIQUITY, "supply", 0), -200_000 * WAD);
    assert_eq!(number(&world.book, MAKER, "dirt", 0), 0);
}

// ---- the page -------------------------------------------------------------------------------------------------

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> Vec<String> {
    let head: Vec<String> = head.iter().map(|cell| cell.to_string()).collect();
    let rule = format!("|{}", "---|".repeat(head.len()));
    let mut lines = vec![row(&head), rule];
    lines.extend(rows.iter().map(|cells| row(cells)));
    lines
}

fn path(venue: &Venue) -> Vec<String> {
    let rows = venue.path.iter().map(|(hour, price, health, did)| {
        let did = if did.is_empty() { "-".to_string() } else { did.join("; ") };
        vec![format!("{hour}"), told(price * WAD, 0), health.clone(), did]
    });
    table(&["hour", "ether", "health", "what happens"], rows.collect())
}

fn ends(world: &World, first: &Book, venues: &[Venue]) -> Vec<String> {
    let rows = venues.iter().zip(VENUES).map(|(venue, (name, title))| {
        let end = end(world, first, name);
        let claims = match end.claim {
            [0, 0] => "-".to_string(),
            [0, stable] => format!("{} USDC", dollars(stable)),
            [it, _] => format!("{} WETH", ether(it)),
        };
        let house = end.house + venue.moved.house_value;
        vec![
            title.to_string(),
            ether(end.left),
            dollars(end.debt),
            claims,
            dollars(end.net),
            dollars(venue.moved.keeper_gain),
            dollars(house),
        ]
    });
    let head = [
        "venue",
        "WETH left",
        "still owed",
        "to claim",
        "Ada's net",
        "keeper's gain",
        "protocol and lenders",
    ];
    table(&head, rows.collect())
}

/// Where the ether and the debt went.
fn goes(world: &World, first: &Book, venues: &[Venue]) -> Vec<String> {
    let rows = venues.iter().zip(VENUES).map(|(venue, (name, title))| {
        let (end, moved) = (end(world, first, name), &venue.moved);
        vec![
            title.to_string(),
            ether(end.left + end.claim[0]),
            ether(moved.keeper_ether),
            ether(moved.house_ether),
            dollars(200_000 * WAD - end.debt + end.claim[1]),
            dollars(moved.keeper_paid),
            dollars(end.house),
        ]
    });
    let head = [
        "venue",
        "WETH of Ada",
        "of keepers",
        "of protocol or pool",
        "debt paid and credit given",
        "keepers paid",
        "protocol and lenders gained",
    ];
    table(&head, rows.collect())
}

/// Where each line stands: what counts of the collateral, and the lowest price, in cents, at which she is healthy.
///
/// ```text
/// Aave      200,000 / (100 * 0.83) = 2,409.638..   Morpho   200,000 / (100 * 0.86) = 2,325.581..
/// Compound  200,000 / (100 * 0.90) = 2,222.222..   Maker    200,000 * 1.45 / 100   = 2,900
/// Liquity   200,000 * 1.10 / 100   = 2,200
/// ```
const LINES: [(&str, &str, i128); 6] = [
    (MAKER, "1 / 1.45", 290_000),
    (AAVE, "83 %", 240_964),
    (AAVE_V4, "83 %", 240_964),
    (MORPHO, "86 %", 232_559),
    (COMPOUND, "90 %", 222_223),
    (LIQUITY, "1 / 1.10", 220_000),
];

fn lines() -> Vec<String> {
    let title = |wanted| VENUES.iter().find(|(name, _)| *name == wanted).expect("a venue").1.to_string();
    let rows =
        LINES.map(|(name, counts, cents)| vec![title(name), counts.to_string(), dollars(cents * WAD / 100)]);
    table(&["venue", "counts of the collateral", "lowest healthy price"], rows.to_vec())
}

// ---- tests ----------------------------------------------------------------------------------------------------

#[test]
fn all_that_she_had_is_somewhere() {
    for prices in [&SLOW[..], &GAP[..]] {
        let (world, first, venues) = play(prices);
        adds_up(&world, &first, &venues);
    }
}

/// What is left of the crash is a book like any other, after every hour.
#[test]
fn each_hour_can_be_written_and_read() {
    for hours in 1..=SLOW.len() {
        let (world, _, _) = play(&SLOW[..hours]);
        let read = through_files(&world.book);
        assert_eq!(read.at, world.book.at);
        for (read, written) in read.markets.iter().zip(&world.book.markets) {
            let bytes = |listed: &ListedMarket| {
                let mut bytes = Vec::new();
                listed.market.encode(&mut bytes);
                bytes
            };
            assert_eq!(read.name, written.name);
            assert_eq!(bytes(read), bytes(written), "{} after hour {}", read.name, hours - 1);
        }
        for (read, written) in read.accounts.iter().zip(&world.book.accounts) {
            assert_eq!(read.account, written.account, "{}", read.name);
        }
    }
}

#[test]
fn each_line_stands_where_the_rule_puts_it() {
    let mut first = example("crash");
    // With the hour of the oracle gone by.
    let maker = market(&first, MAKER);
    first.markets[maker].market = first.markets[maker].market.undelayed().expect("a delayed oracle");
    for (name, _, cents) in LINES {
        for (cents, healthy) in [(cents, true), (cents - 1, false)] {
            let to = NewPrice::Exactly(Decimal { mantissa: Int::new(cents), decimals: 2 });
            let change = Change::Price { name: "WETH/USD".into(), to };
            let book = whatif_all(&first, &[change], &Ladder::default()).expect("an answer").book;
            let rows = check(&book, book.at, &Ladder::default()).expect("sound").rows;
            let row = rows.iter().find(|row| row.account == ada(&book, name)).expect("her row");
            let verdict = if healthy { Verdict::Healthy } else { Verdict::Unhealthy };
            assert_eq!(row.liquidation.verdict(), Some(verdict), "{name} at {cents}");
        }
    }
}

/// One number of each venue from its rule, multiplied out on paper.
#[test]
fn what_the_rules_come_to_by_hand() {
    let (world, first, venues) = play(&SLOW);
    let moved = |name| &venues.iter().find(|venue| venue.name == name).expect("a venue").moved;
    let end = |name| end(&world, &first, name);

    // Aave, health above 0.95: half of the debt each time. 100,000 / 2,350 = 42.553191489361702127.. WETH and a bonus of
    // 5 % = 44.680851063829787233.35; 50,000 / 2,150 = 23.255813953488372093.. and 5 % = 24.418604651162790697.65. Up to
    // 3.6 the pool rounds these half up: 100 - 44.680851063829787233 - 24.418604651162790698 is left.
    assert_eq!(end(AAVE).left, 30_900_544_285_007_422_069);
    assert_eq!(end(AAVE).debt, 50_000 * WAD);
    // A tenth of the bonus is the protocol's: 0.1 * (2.127659574468085106 + 1.162790697674418604) WETH.
    assert_eq!(told(moved(AAVE).house_ether, 9), "0.329045027");

    // Aave v4: at 2,350 health is 0.97525 and the bonus 2.5 % + 2.5 % * 0.02475 / 0.1, cut to 3.11 %. To 1.05 it takes
    // 200,000 * 0.07475 / (1.05 - 1.0311 * 0.83) = 76,987.645928.. USDC, raised; and 1.0311 times as much of ether,
    // 33.779558177613570212.. WETH, cut. At 2,150: 57,517.912381 USDC at 3.48 %, at 2,000: 24,675.721756 USDC at 3.08 %.
    assert_eq!(
        end(AAVE_V4).debt,
        (200_000_000_000 - 76_987_645_929 - 57_517_912_381 - 24_675_721_756) * WAD / 1_000_000
    );
    assert_eq!(told(end(AAVE_V4).left, 9), "25.819069837");

    // Morpho: the incentive is 1 / (1 - 0.3 * (1 - 0.86)) = 1 / 0.958 = 1.043841336116910229.., cut.
    // 200,000,000,000 * 1.043841336116910229 = 208,768,267,223.38 units of USDC, cut; over 2,150 USDC a WETH:
    // 208,768.267223 / 2,150 = 97.101519638604651162.79 WETH, cut.
    assert_eq!(end(MORPHO).left, 100 * WAD - 97_101_519_638_604_651_162);

    // Compound: 100 * 2,150 = 215,000, credited at 95 % = 204,250; less the debt of 200,000. What is absorbed is sold
    // 0.6 * (1 - 0.95) = 3 % below the market: 100 * 2,150 * 0.97 = 208,550.
    assert_eq!(end(COMPOUND).claim, [0, 4_250 * WAD]);
    assert_eq!(moved(COMPOUND).keeper_paid, 208_550 * WAD);
    assert_eq!(end(COMPOUND).house, (208_550 - 204_250) * WAD);

    // Maker: the price in force is 2,850, the auction begins at 2,850 * 1.10 = 3,135 and falls by 1 % every 90 seconds.
    // 0.97 * 2,600 = 2,522; 3,135 * 0.99^21 = 2,538.49.., 3,135 * 0.99^22 = 2,513.11..: 22 steps. To be raised are
    // 200,000 * 1.13 = 226,000 DAI; the reward is 250 + 0.001 * 226,000 = 476 DAI of the system's own.
    assert_eq!(moved(MAKER).keeper_paid, (226_000 - 476) * WAD);
    assert_eq!(end(MAKER).house, (226_000 - 200_000 - 476) * WAD);
    // 226,000 / 2,513.1117.. = 89.92834..
    assert_eq!(told(end(MAKER).claim[0], 4), "10.0716");

    // Liquity: the reward is 100 / 200 = 0.5 WETH; the pool pays 200,000 BOLD and receives 200,000 * 1.05 / 2,150 =
    // 97.674418604651162790.69 WETH, cut; what is left of 99.5 WETH is Ada's.
    assert_eq!(moved(LIQUITY).house_ether, 97_674_418_604_651_162_790);
    assert_eq!(end(LIQUITY).claim, [99 * WAD + WAD / 2 - 97_674_418_604_651_162_790, 0]);
    assert_eq!(moved(LIQUITY).keeper_ether, WAD / 2 + 375 * WAD / 10_000);
}

/// The same where the price falls from 2,350 to 2,000 at once.
#[test]
fn what_a_gap_costs_by_hand() {
    let (world, first, _) = play(&GAP);
    let end = |name| end(&world, &first, name);
    // Morpho: 100 WETH * 2,000 / 1.043841336116910229 = 191,600.000000000.. USDC, up: 191,600.000001 repaid.
    assert_eq!(end(MORPHO).house, -8_399_999_999 * WAD / 1_000_000);
    // Compound: 200,000 USDC paid for 100 WETH, which are sold for 100 * 2,000 * 0.97.
    assert_eq!(end(COMPOUND).house, (194_000 - 200_000) * WAD);
    // Aave: 100,000 owed at health 0.83 * 55.319.. * 2,000 / 100,000 = 0.918, not above 0.95: all of it, for
    // 100,000 / 2,000 * 1.05 = 52.5 WETH of 55.319148936170212767.
    assert_eq!((end(AAVE).left, end(AAVE).debt), (2_819_148_936_170_212_767, 0));
}

/// Every table of the page, in its order.
fn tables() -> Vec<String> {
    let (world, first, venues) = play(&SLOW);
    let mut all = lines();
    for (name, _, _) in LINES {
        all.extend(path(venues.iter().find(|venue| venue.name == name).expect("a venue")));
    }
    all.extend(ends(&world, &first, &venues));
    all.extend(goes(&world, &first, &venues));
    let (world, first, venues) = play(&GAP);
    all.extend(ends(&world, &first, &venues));
    all
}

/// What happens where the price jumps, of which the page tells in words.
fn in_the_gap() -> Vec<String> {
    let (_, _, venues) = play(&GAP);
    venues.iter().flat_map(path).collect()
}

/// The numbers of a text, without the marks that stand around them.
fn numbers(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || "()|`*:;".contains(c));
    let words = words.map(|word| word.trim_end_matches(['.', ',']));
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).map(str::to_string).collect()
}

/// Numbers of the page that stand in no table, as they follow from the book.
fn of_the_book() -> Vec<String> {
    let book = example("crash");
    let percent = |name, field, of: i128| told((number(&book, name, field, 0) - of) * 100, 0);
    let [pool, chop, buf, mat] = [
        percent(LIQUITY, "penalty_pool", 0),
        percent(MAKER, "chop", WAD),
        percent(MAKER, "buf", WAD),
        percent(MAKER, "mat", 0),
    ];
    let credited = number(&book, COMPOUND, "liquidation_factor", 0);
    let front = number(&book, COMPOUND, "store_front_price_factor", 0);
    let discount = front / 1_000_000_000 * ((WAD - credited) / 1_000_000_000);
    let penalty = 200_000 * (number(&book, MAKER, "chop", 0) - WAD);
    let untouched = (100 * SLOW[7] - 200_000) * WAD;
    let last = SLOW[2] * 97 * WAD / 100;
    let begins = SLOW[1] * number(&book, MAKER, "buf", 0);
    let absorbed = SLOW[4] * 100 * credited;
    let mut all = vec![pool, chop, buf, mat, told(credited * 100, 0)];
    all.extend([discount, WAD - discount].map(|part| told(part * 100, 0)));
    all.extend([penalty, untouched, last, begins, absorbed].map(|wad| told(wad, 0)));
    all
}

#[test]
fn the_page_says_what_happened() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/one-crash.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let (rows, prose): (Vec<&str>, Vec<&str>) = page.lines().partition(|line| line.starts_with('|'));
    let tables = tables();
    for (at, line) in tables.iter().enumerate() {
        assert_eq!(
            rows.get(at),
            Some(&line.as_str()),
            "table line {at}; all of them:\n{}",
            tables.join("\n")
        );
    }
    assert_eq!(rows.len(), tables.len());
    // Hours are not what a number of the prose is known by.
    let of_tables = tables.iter().chain(&in_the_gap()).flat_map(|line| numbers(line)).collect::<Vec<_>>();
    let mut known: Vec<String> = of_tables.into_iter().filter(|number| number.len() > 1).collect();
    let shorter = |number: &String| {
        number.contains('.').then(|| number.trim_end_matches('0').trim_end_matches('.').to_string())
    };
    known.extend(known.clone().iter().filter_map(shorter));
    known.extend(of_the_book());
    // What the rules of the venues say, which the tests by hand multiply out; and the line of health.
    known.extend(["0.95", "0.0375", "0.5", "0.9", "1.05", "90", "1"].map(str::to_string));
    for number in prose.iter().flat_map(|line| numbers(line)) {
        assert!(known.contains(&number), "{number} stands in no table and follows from no rule");
    }
}
