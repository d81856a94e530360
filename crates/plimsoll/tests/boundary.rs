//! Liquidation prices against scans: the market is asked anew at every price around the answer, and at prices drawn
//! from the stretches that the answer speaks of.

#![allow(clippy::expect_used)] // a recorded market that cannot be opened has failed the test

use plimsoll::{Boundary, Crossing, Lookout, Mover, Path, boundary};
use plimsoll_core::{
    Account, Book, Decimal, FeedKind, Feeds, Graph, Holding, Int, Kind, Lens, ListedAccount, ListedMarket,
    Market, Observation, Origin, Price, PriceId, PriceUnit, Question, Reading, Refusal, Rounding, Scale,
    Test, Time, U256, Verdict,
};
use plimsoll_io::vectors::{RecordedMarket, recorded_markets};
use std::io::Read;

/// A small generator of its own: a scan must not depend on the machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n.max(1)
    }

    /// A point of a stretch, ends included.
    fn between(&mut self, low: U256, high: U256) -> U256 {
        let width = high.sub(low).expect("ends in order");
        let part = u(self.below(1 << 30) + 1);
        low.add(width.mul_div_wide(part, u(1 << 30), Rounding::Down).expect("256 bits")).expect("256 bits")
    }
}

fn u(value: u64) -> U256 {
    U256::from(value)
}

/// The markets of all recorded files of Aave v3's accounts, which `recorded_markets` reads.
fn recorded() -> Vec<RecordedMarket> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("the vectors")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("aave_v3") && name.ends_with("_accounts.json.gz")
        })
        .collect();
    names.sort();
    let mut markets = Vec::new();
    for name in names {
        let (mut bytes, packed) = (Vec::new(), std::fs::read(&name).expect("a file"));
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("gzip");
        markets.extend(recorded_markets(&bytes).expect("recorded markets"));
    }
    markets
}

/// A book of one market whose slots are wired to raw feeds of their own.
fn book(market: Box<dyn Market>, readings: &[Reading], at: Time, accounts: &[Account]) -> Book {
    let mut graph = Graph::default();
    let mut wiring = Vec::new();
    for (slot, reading) in readings.iter().enumerate() {
        let price = reading.value.map(|value| Decimal::whole(Int::from(value)));
        let feed = Observation {
            kind: FeedKind::Oracle,
            price,
            scale: Scale::Raw,
            source: "recorded".into(),
            observed_at: None,
            max_age: None,
            confidence: None,
            floor: None,
            ceiling: None,
        };
        let unit = PriceUnit::parse("USD").expect("a unit");
        let price = Price { name: format!("{slot}"), unit, origin: Origin::Feed(feed) };
        wiring.push(Some(graph.add(price).expect("a price")));
    }
    let listed = |account: &Account| ListedAccount {
        name: String::new(),
        owner: String::new(),
        market: 0,
        account: account.clone(),
    };
    let accounts = accounts.iter().map(listed).collect();
    Book {
        name: String::new(),
        at,
        graph,
        markets: vec![ListedMarket { name: String::new(), market, wiring }],
        accounts,
    }
}

/// What the market says where a path is at a point; `None` where its numbers leave 256 bits and the contract reverts.
fn asked((book, market): (&Book, usize), path: &Path<'_>, account: &Account, point: U256) -> Option<Verdict> {
    let mut readings = path.today().to_vec();
    path.between(point, point, &mut readings).expect("a point of the path");
    let market = &*book.markets[market].market;
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, book.at).expect("it stands");
    match quoted.verdict(account, Test::Liquidation) {
        Err(Refusal::Overflow(_)) => None,
        seen => Some(seen.expect("a verdict").verdict),
    }
}

/// Compares one direction with what the market says; returns how many prices were asked.
fn scan(
    (book, path, account): ((&Book, usize), &Path<'_>, &Account),
    found: &Boundary,
    (crossing, end): (Crossing, U256),
    near: u64,
    dice: &mut Dice,
) -> Result<u64, String> {
    let (now, today) = (found.now, found.today);
    let mut count = 0;
    let mut expect = |from: U256, to: U256, same: bool, dice: &mut Dice| -> Result<(), String> {
        let (low, high) = (from.min(to), from.max(to));
        let near = |at: U256| {
            let at = at.max(low).min(high);
            (0..near).flat_map(move |by| [at.add(u(by)), at.sub(u(by))]).flatten()
        };
        let mut points: Vec<U256> = near(from).chain(near(to)).filter(|p| low <= *p && *p <= high).collect();
        points.extend((0..6).map(|_| dice.between(low, high)));
        points.sort_unstable();
        points.dedup();
        for point in points {
            let Some(verdict) = asked(book, path, account, point) else { continue };
            count += 1;
            if (verdict == today) != same {
                return Err(format!("{verdict:?} at {point}: {found:?}"));
            }
        }
        Ok(())
    };
    let down = end < now;
    let back = |point: U256| if down { point.add(u(1)) } else { point.sub(u(1)) }.expect("a neighbour");
    match crossing {
        Crossing::Never => expect(now, end, true, dice)?,
        Crossing::At { first, settled } => {
            expect(now, back(first), true, dice)?;
            expect(first, first, false, dice)?;
            match settled {
                Some(settled) => {
                    expect(settled, end, false, dice)?;
                    if settled != first {
                        expect(back(settled), back(settled), true, dice)?;
                    }
                }
                None => expect(end, end, true, dice)?,
            }
        }
        Crossing::Unproven(_) => return Err(format!("unproven: {found:?}")),
    }
    Ok(count)
}

/// Both ways along each of these movers; how many crossings were compared, and at how many prices.
fn scan_all(
    (book, number): (&Book, usize),
    account: &Account,
    movers: &[Mover],
    near: u64,
    dice: &mut Dice,
) -> Result<[u64; 2], String> {
    let market = &*book.markets[number].market;
    let quotes = book.graph.quotes(book.at);
    let readings = book.readings(&book.markets[number], &quotes);
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, book.at).expect("it stands");
    let question = Question { test: Test::Liquidation, lens: Lens::Action, at: book.at };
    let mut done = [0; 2];
    for mover in movers {
        let Some(path) = Path::new(book, number, &quotes, mover.clone()) else { continue };
        let Some(found) = boundary(&path, market, &*quoted, account, question) else { continue };
        for direction in [(found.down, path.lowest), (found.up, path.highest)] {
            let asked = scan(((book, number), &path, account), &found, direction, near, dice);
            done[0] += 1;
            done[1] += asked.map_err(|what| format!("{what}\n{mover:?} of {account:?}"))?;
        }
    }
    Ok(done)
}

/// The slots of what an account of an Aave pool holds.
fn slots(account: &Account) -> Vec<Mover> {
    let mut slots: Vec<usize> =
        account.holdings().iter().map(|holding| holding.instrument.index() / 3).collect();
    slots.dedup();
    slots.into_iter().map(Mover::Slot).collect()
}

/// Whether a holding in the only market of a book is a debt.
fn owes(book: &Book, held: &Holding) -> bool {
    book.markets[0].market.instruments()[held.instrument.index()].kind == Kind::Debt
}

/// Property 66, on every account that was recorded. Among them are accounts of several collaterals and debts, where all
/// the others must be in the condition (67), and pools up to 3.4, where the average threshold makes steps of the
/// condition (69): every answer is held against a scan.
#[test]
fn p66_p67_p69_the_price_returned_is_the_first_that_flips() {
    let mut dice = Dice(1);
    let mut done = [0; 2];
    let (mut several, mut stepped) = (0, 0);
    for market in recorded() {
        let accounts: Vec<Account> = market.accounts.iter().map(|(account, _)| account.clone()).collect();
        let name = format!("market {} {}", market.number, market.pool.revision().name());
        let book = book(Box::new(market.pool), &market.readings, market.at, &accounts);
        for account in &accounts {
            let found = scan_all((&book, 0), account, &slots(account), 12, &mut dice);
            let found = found.unwrap_or_else(|what| panic!("{name}: {what}"));
            done = [done[0] + found[0], done[1] + found[1]];
            let debts = account.holdings().iter().filter(|held| owes(&book, held)).count();
            several += u64::from(debts > 1 && account.holdings().len() - debts > 1);
            stepped += u64::from(name.contains(" 3.0") || name.contains(" 3.4"));
        }
    }
    println!("{} crossings, {} prices asked; {several} of several, {stepped} in steps", done[0], done[1]);
    assert!(done[0] > 3_000 && several > 300 && stepped > 150, "{done:?}, {several}, {stepped}");
}

/// Property 68: a collateral kills on its way down and a debt on its way up, and nothing does so on the other way, on
/// every recorded account of one collateral and one debt at a venue that is monotone.
#[test]
fn p68_a_debt_kills_on_its_way_up() {
    let mut seen = [0; 2];
    for market in recorded() {
        if market.pool.revision().name() < "3.5" {
            continue;
        }
        let accounts: Vec<Account> = market.accounts.iter().map(|(account, _)| account.clone()).collect();
        let book = book(Box::new(market.pool), &market.readings, market.at, &accounts);
        let lookout = Lookout::new(&book, book.at).expect("it stands");
        for (place, account) in accounts.iter().enumerate() {
            let [one, other] = account.holdings() else { continue };
            let (collateral, debt) = if owes(&book, one) { (other, one) } else { (one, other) };
            let slot = |held: &Holding| held.instrument.index() / 3;
            if owes(&book, collateral) || !owes(&book, debt) || slot(collateral) == slot(debt) {
                continue;
            }
            let along = |held| lookout.along(place, Mover::Slot(slot(held)));
            let (Some(falls), Some(rises)) = (along(collateral), along(debt)) else { continue };
            let at = |crossing: Crossing| matches!(crossing, Crossing::At { .. });
            match falls.today {
                Verdict::Healthy => {
                    assert!(!at(falls.up) && !at(rises.down), "{account:?}: {falls:?}, {rises:?}");
                    assert!(at(falls.down), "{account:?}: {falls:?}");
                    seen[0] += 1;
                    seen[1] += u64::from(at(rises.up));
                }
                Verdict::Unhealthy => {
                    assert!(!at(falls.down) && !at(rises.up), "{account:?}: {falls:?}, {rises:?}");
                }
                Verdict::NoDebt => {}
            }
        }
    }
    assert!(seen[0] > 20 && seen[1] > 20, "{seen:?}");
}

/// Property 66, on accounts and prices that nobody recorded: quantities and prices drawn anew, many near the line, some
/// of next to nothing. `PLIMSOLL_CASES=5` asks of 100 000.
#[test]
fn p66_holds_of_random_accounts() {
    let mut dice = Dice(7);
    let markets = recorded();
    let times = std::env::var("PLIMSOLL_CASES").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let mut done = [0; 2];
    for _ in 0..20_000 * times {
        let market = &markets[dice.below(markets.len() as u64) as usize];
        let (recorded, _) = &market.accounts[dice.below(market.accounts.len() as u64) as usize];
        let mut account = recorded.clone();
        let dust = dice.below(5) == 0;
        for holding in recorded.holdings() {
            let parts = u(dice.below(2_000) + 1);
            let by = if dust {
                holding.quantity.magnitude().min(u(100_000))
            } else {
                holding.quantity.magnitude()
            };
            let drawn = by.mul_div(parts, u(1_000), Rounding::Up).expect("256 bits");
            account.set(holding.instrument, drawn.into());
        }
        let mut readings = market.readings.clone();
        for reading in &mut readings {
            let value = reading.value.expect("a price");
            let drawn = value.mul_div(u(dice.below(2_000) + 1), u(1_000), Rounding::Up).expect("256 bits");
            *reading = Reading::certain(drawn);
        }
        let movers = slots(&account);
        let Some(mover) = movers.get(dice.below(movers.len() as u64) as usize) else { continue };
        let book = book(Box::new(market.pool.clone()), &readings, market.at, &[]);
        let found = scan_all((&book, 0), &account, std::slice::from_ref(mover), 4, &mut dice);
        let revision = market.pool.revision().name();
        let found = found.unwrap_or_else(|what| panic!("{revision}: {what}\n{readings:?}"));
        done = [done[0] + found[0], done[1] + found[1]];
    }
    println!("{} crossings, {} prices asked", done[0], done[1]);
    assert!(done[0] > 20_000 * times, "{done:?}");
}

/// Property 66 at the other venue, from dust to more tokens than there are: positions of the example's markets, of 6 and
/// of 18 decimals, drawn anew around the line and far from it. Nothing may be left unproven.
#[test]
fn p66_of_morpho_positions_of_every_size() {
    let mut dice = Dice(11);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/lending");
    let book = plimsoll_io::book::open(&folder).book;
    let markets: Vec<usize> = (0..book.markets.len())
        .filter(|&number| book.markets[number].market.venue().0 == "morpho_blue")
        .collect();
    assert!(markets.len() >= 10);
    let mut done = [0; 2];
    for _ in 0..2_000 {
        let number = markets[dice.below(markets.len() as u64) as usize];
        let listed = book.accounts.iter().find(|listed| listed.market == number).expect("an account");
        let mut account = listed.account.clone();
        let market = &*book.markets[number].market;
        let of = |name: &str| {
            let found = market.instruments().iter().position(|instrument| instrument.name.ends_with(name));
            plimsoll_core::InstrumentId(found.expect("an instrument") as u32)
        };
        let (collateral, debt) = (of(" collateral"), of(" borrow shares"));
        let size = U256::pow10(dice.below(27) as u8).expect("256 bits");
        let held = size.mul(u(1 + dice.below(1_000))).expect("256 bits");
        account.set(collateral, held.into());
        let shares = U256::pow10(20).expect("256 bits");
        account.set(debt, shares.into());
        let readings = book.readings(&book.markets[number], &book.graph.quotes(book.at));
        let quoted = market.at(Feeds { readings: &readings }, Lens::Action, book.at).expect("it stands");
        let seen = quoted.verdict(&account, Test::Liquidation).expect("a verdict");
        // From a fifth of what the collateral carries to twice of it.
        let part = u(200 + dice.below(1_800));
        let owed = seen.backing.magnitude().mul_div_wide(part, u(1_000), Rounding::Up).expect("256 bits");
        let shares = shares.mul_div_wide(owed, seen.requirement.magnitude().max(U256::ONE), Rounding::Up);
        account.set(debt, shares.expect("256 bits").max(U256::ONE).into());
        let found = scan_all((&book, number), &account, &[Mover::Slot(0)], 4, &mut dice);
        let found = found.unwrap_or_else(|what| panic!("{what}"));
        done = [done[0] + found[0], done[1] + found[1]];
    }
    println!("{} crossings, {} prices asked", done[0], done[1]);
    assert!(done[0] > 3_500, "{done:?}");
}

/// Properties 66 and 68 along feeds, with all that is derived from them, and along a joint move: on the example books,
/// at both venues.
#[test]
fn p66_along_feeds_and_joint_moves() {
    let mut dice = Dice(3);
    for (name, least) in [("treasury", 20), ("lending", 900)] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
        let book = plimsoll_io::book::open(&folder).book;
        let feeds: Vec<PriceId> = (0..book.graph.prices().len() as u32)
            .map(PriceId)
            .filter(|id| book.graph.leaves(*id) == [*id])
            .collect();
        let weights = [100_000_000, 50_000_000, -20_000_000];
        let joint = feeds.iter().enumerate().map(|(at, id)| (*id, weights[at % 3])).collect();
        let mut movers: Vec<Mover> = feeds.iter().copied().map(Mover::Leaf).collect();
        movers.push(Mover::Joint(joint));
        let mut done = [0; 2];
        for listed in &book.accounts {
            let found = scan_all((&book, listed.market), &listed.account, &movers, 8, &mut dice);
            let found = found.unwrap_or_else(|what| panic!("{}: {what}", listed.name));
            done = [done[0] + found[0], done[1] + found[1]];
        }
        println!("{name}: {} crossings, {} prices asked", done[0], done[1]);
        assert!(done[0] > least, "{done:?}");
    }
}
