//! The tick index beside brute force: after every tick each account is judged at each level in exact integers.

#![allow(clippy::expect_used, clippy::panic)] // a test that cannot make its book has failed

use plimsoll_core::num::Wide;
use plimsoll_core::{Compiled, Form, Int, Linear, Node, NodeId, Nodes, U256, Valid, Why};
use plimsoll_kernel::{Candidate, Event, Index, Layout, Level, MarketRows, World};
use proptest::prelude::*;

const EPOCH: u64 = 3;
const NODES: usize = 6;
const MARKETS: usize = 2;
const LEVELS: [Level; 3] = [Level { num: 1, den: 1 }, Level { num: 11, den: 10 }, Level { num: 4, den: 5 }];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.word() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// A number of any size up to so many bits.
    fn whole(&mut self, bits: u64) -> Int {
        let keep = self.below(bits + 1);
        let value = u128::from(self.word()) << 64 | u128::from(self.word());
        if keep == 0 { Int::ZERO } else { Int::from(U256::new(value >> (128 - keep))) }
    }
}

type Values = Vec<Result<Node, Why>>;

/// A book and the world it is in; market n has its nodes from `1 + n NODES` on.
struct Book {
    accounts: Vec<(usize, Compiled)>,
    worlds: Vec<Values>,
    verdicts: Vec<[bool; 3]>,
}

fn exact(value: Int) -> Result<Node, Why> {
    Ok(Node::exact(value))
}

fn linear(random: &mut Random, terms: u64, bits: u64, signed: bool) -> Linear {
    let mut linear = Linear::default();
    for _ in 0..terms {
        let size = random.whole(bits);
        let size = if signed && random.one_in(2) { size.neg() } else { size };
        // Terms that are nothing are left out: what they stand beside is not needed.
        if !size.is_zero() {
            linear = linear.plus(NodeId(random.below(NODES as u64) as u32), size).expect("256 bits");
        }
    }
    linear.terms.retain(|(_, coefficient)| !coefficient.is_zero());
    if random.one_in(3) {
        linear.constant = random.whole(bits);
    }
    linear
}

/// A row that is near its line at some level, mostly.
fn form(random: &mut Random, values: &Values) -> Form {
    let wild = random.one_in(4);
    let (terms, owed) = (1 + random.below(3), 1 + random.below(2));
    let signed = wild && random.one_in(2);
    let mut form = Form {
        backing: linear(random, terms, 60, wild),
        requirement: linear(random, owed, 60, signed),
        scale: U256::from(1 + random.below(1000)),
        valid: Valid { boxes: Vec::new(), epoch: if random.one_in(40) { EPOCH + 1 } else { EPOCH } },
        ..Form::default()
    };
    if random.one_in(5) {
        let hinges = 1 + random.below(2);
        form.hinges = (0..hinges).map(|_| linear(random, 2, 50, true)).collect();
    }
    if random.one_in(2) {
        form.slack = linear(random, 2, 20, false);
    }
    if random.one_in(8) {
        form.slack = linear(random, 2, 50, false);
    }
    if random.one_in(40) {
        form.valid.boxes = vec![(NodeId(0), Int::ZERO, Int::new(1 << 90))];
    }
    let nodes = Nodes { values };
    if let (false, Ok(off)) = (random.one_in(6), form.row(&nodes)) {
        // As near as to the unit, or as far as a tenth.
        let off = off.to_int().expect("256 bits");
        let away = match random.below(4) {
            0 => Int::new(i128::from(random.below(5)) - 2),
            1 => random.whole(40),
            _ => {
                let size = form.requirement.at(&nodes).ok().and_then(Wide::to_int).unwrap_or(Int::ZERO);
                let part = Int::new(1 + i128::from(random.below(1 << 40)));
                size.div(part, plimsoll_core::Rounding::Down).unwrap_or(Int::ZERO)
            }
        };
        form.requirement.constant =
            off.sub(away).and_then(|by| form.requirement.constant.add(by)).expect("256 bits");
    }
    form
}

fn compiled(random: &mut Random, values: &Values) -> Compiled {
    match random.below(30) {
        0 => Compiled::NoDebt,
        1 => Compiled::Opaque,
        2..=5 => Compiled::Rows((0..2 + random.below(2)).map(|_| form(random, values)).collect()),
        _ => Compiled::Rows(vec![form(random, values)]),
    }
}

/// A mantissa that is never lower than so many bits have.
fn node(random: &mut Random) -> Result<Node, Why> {
    match random.below(40) {
        0 => Err(Why::Missing),
        1 => exact(Int::new(-5)),
        2 => Ok(Node { mantissa: random.whole(90), error: U256::new(3) }),
        3 => exact(Int::ZERO),
        _ => exact(Int::new(1 << 60).add(random.whole(100)).expect("256 bits")),
    }
}

/// Where a node goes in a tick: a little, a unit, far, nowhere, or out of sight.
fn step(random: &mut Random, from: &Result<Node, Why>) -> Result<Node, Why> {
    let Ok(Node { mantissa, .. }) = *from else { return node(random) };
    let part = |parts: i128| mantissa.div(Int::new(parts), plimsoll_core::Rounding::Down);
    let by = match random.below(24) {
        0 => return node(random),
        1 => return *from,
        2..=4 => Some(Int::new(1)),
        5 => part(2),
        6..=9 => part(20),
        10..=12 => part(1 << 30),
        _ => part(1 + i128::from(random.below(5000))),
    };
    let by = by.expect("smaller");
    let to = if random.one_in(2) { mantissa.add(by) } else { mantissa.sub(by) };
    let to = to.expect("256 bits");
    if to.magnitude().bit_len() > 130 { node(random) } else { exact(to) }
}

/// The exact verdict of one row: anywhere within the slack of the row, but the same for one world. `None` where a node that it
/// needs is unknown.
fn row_fails(form: &Form, nodes: &Nodes<'_>, level: Level) -> Option<bool> {
    let requirement = form.requirement.at(nodes).ok()?;
    let backing = form.row(nodes).ok()?.add(requirement)?;
    let slack = form.slack(nodes).ok()?;
    // It may depend on what the row names, and on nothing else.
    let parts = [&form.backing, &form.requirement, &form.slack].into_iter().chain(&form.hinges);
    let named = parts.flat_map(|part| &part.terms).filter_map(|(node, _)| nodes.get(*node).ok());
    let odd = named.fold(0, |bits, node| bits ^ node.mantissa.magnitude().field(0, 8));
    let backing = match (odd ^ form.backing.terms.len() as u64) % 3 {
        0 => backing,
        1 => backing.sub(slack)?,
        _ => backing.add(slack)?,
    };
    let (num, den) = (U256::from(u64::from(level.num)), U256::from(u64::from(level.den)));
    Some(backing.mul(den)?.sub(requirement.mul(num)?)?.is_negative())
}

/// Unknown is unhealthy here; what has no proven row is anything.
fn unhealthy(compiled: &Compiled, values: &Values, level: usize) -> bool {
    let nodes = Nodes { values };
    match compiled {
        Compiled::NoDebt => false,
        Compiled::Opaque => {
            let bits =
                values.iter().flatten().fold(0, |bits, node| bits ^ node.mantissa.magnitude().field(0, 8));
            bits >> level & 1 == 1
        }
        Compiled::Rows(rows) => {
            rows.iter().any(|form| row_fails(form, &nodes, LEVELS[level]).unwrap_or(true))
        }
    }
}

impl Book {
    fn random(random: &mut Random, accounts: usize) -> Book {
        let worlds: Vec<Values> = (0..MARKETS).map(|_| (0..NODES).map(|_| node(random)).collect()).collect();
        let accounts = (0..accounts).map(|_| {
            let market = random.below(MARKETS as u64) as usize;
            (market, compiled(random, &worlds[market]))
        });
        let accounts: Vec<_> = accounts.collect();
        Book { verdicts: vec![[false; 3]; accounts.len()], accounts, worlds }
    }

    fn layout() -> Layout {
        Layout::new([NODES; MARKETS]).expect("few")
    }

    fn index(&self) -> Index {
        let layout = Book::layout();
        let world = World::new(&layout, self.worlds.iter().map(Vec::as_slice));
        Index::new(&layout, world, &LEVELS).expect("sound levels")
    }

    fn rows(market: usize) -> MarketRows {
        MarketRows { market: market as u32, base: (1 + market * NODES) as u32, epoch: EPOCH, quanta: 1e-20 }
    }

    fn judge(&self, account: u32, level: usize) -> bool {
        let (market, compiled) = &self.accounts[account as usize];
        unhealthy(compiled, &self.worlds[*market], level)
    }

    /// Answers what is asked, which comes in the order of accounts; what is not asked about is spoilt.
    fn answer(&self, asked: &mut [Candidate]) {
        assert!(asked.is_sorted_by(|one, next| one.account < next.account));
        for candidate in asked {
            assert!(candidate.levels != 0 && candidate.unhealthy == 0);
            let bits = (0..LEVELS.len()).map(|level| u8::from(self.judge(candidate.account, level)) << level);
            candidate.unhealthy = bits.fold(0, |all, bit| all | bit) & candidate.levels | !candidate.levels;
        }
    }

    /// What changed among some accounts, by brute force.
    fn events(&mut self, accounts: std::ops::Range<usize>) -> Vec<Event> {
        let mut events = Vec::new();
        for account in accounts {
            for level in 0..LEVELS.len() {
                let unhealthy = self.judge(account as u32, level);
                if std::mem::replace(&mut self.verdicts[account][level], unhealthy) != unhealthy {
                    events.push(Event { account: account as u32, level: level as u8, unhealthy });
                }
            }
        }
        events
    }

    fn update(&mut self, index: &mut Index, account: usize) -> Result<(), TestCaseError> {
        let (market, compiled) = &self.accounts[account];
        let decide = |asked: &mut [Candidate]| self.answer(asked);
        let found =
            index.update(account as u32, compiled, &Book::rows(*market), decide).expect("room").to_vec();
        prop_assert_eq!(found, self.events(account..account + 1));
        Ok(())
    }

    fn tick(
        &mut self,
        index: &mut Index,
        moved: &[(usize, usize, Result<Node, Why>)],
    ) -> Result<u64, TestCaseError> {
        for (market, node, to) in moved {
            self.worlds[*market][*node] = *to;
        }
        let places: Vec<_> =
            moved.iter().map(|(market, node, to)| ((1 + market * NODES + node) as u32, *to)).collect();
        let (ticked, found) = index.tick(&places, |asked| self.answer(asked));
        let found = found.to_vec();
        prop_assert_eq!(found, self.events(0..self.accounts.len()));
        for (account, verdicts) in self.verdicts.iter().enumerate() {
            let bits = verdicts.iter().enumerate().fold(0, |bits, (n, on)| bits | u8::from(*on) << n);
            prop_assert_eq!(index.verdicts(account as u32), bits);
        }
        Ok(ticked.touched)
    }

    /// A market's rules change: its rows are void, a tick comes, and each account gets rows again, some of them others.
    fn new_epoch(&mut self, random: &mut Random, index: &mut Index) -> Result<(), TestCaseError> {
        let market = random.below(MARKETS as u64) as usize;
        let of_market: Vec<usize> =
            (0..self.accounts.len()).filter(|account| self.accounts[*account].0 == market).collect();
        let mut seen = Vec::new();
        let found = index.void(market as u32, |asked| {
            seen.extend(asked.iter().map(|candidate| candidate.account as usize));
            self.answer(asked);
        });
        prop_assert_eq!(found, &[]);
        // Whoever owes is asked about.
        let owes = |account: &usize| self.accounts[*account].1 != Compiled::NoDebt;
        prop_assert_eq!(seen, of_market.iter().copied().filter(owes).collect::<Vec<_>>());
        let steps = self.steps(random, 3);
        self.tick(index, &steps)?;
        for account in of_market {
            if random.one_in(2) {
                self.accounts[account].1 = compiled(random, &self.worlds[market]);
            }
            self.update(index, account)?;
        }
        Ok(())
    }

    fn steps(&self, random: &mut Random, most: u64) -> Vec<(usize, usize, Result<Node, Why>)> {
        let count = 1 + random.below(most);
        let one = |random: &mut Random| {
            let (market, node) = (random.below(MARKETS as u64) as usize, random.below(NODES as u64) as usize);
            (market, node, step(random, &self.worlds[market][node]))
        };
        (0..count).map(|_| one(random)).collect()
    }
}

/// Prices and debts as venues have them: everybody near a line, nobody in doubt.
fn plain_book(random: &mut Random, accounts: usize) -> Book {
    let price = |random: &mut Random| exact(Int::new(100_000_000 * (1 + i128::from(random.below(4000)))));
    let worlds: Vec<Values> = (0..MARKETS).map(|_| (0..NODES).map(|_| price(random)).collect()).collect();
    let mut book = Book { accounts: Vec::new(), worlds, verdicts: vec![[false; 3]; accounts] };
    for _ in 0..accounts {
        let market = random.below(MARKETS as u64) as usize;
        let values = &book.worlds[market];
        let mut backing = Linear::default();
        for _ in 0..1 + random.below(3) {
            let size = Int::new(1 + i128::from(random.below(1 << 40)));
            backing = backing.plus(NodeId(random.below(NODES as u64 - 1) as u32), size).expect("256 bits");
        }
        let worth = backing.at(&Nodes { values }).ok().and_then(Wide::to_int).expect("small");
        let Ok(Node { mantissa: index, .. }) = values[NODES - 1] else { continue };
        let share = worth.mul(Int::new(600 + i128::from(random.below(500)))).expect("256 bits");
        let owed = share.div(index.mul(Int::new(1000)).expect("256 bits"), plimsoll_core::Rounding::Down);
        let requirement =
            Linear::default().plus(NodeId(NODES as u32 - 1), owed.expect("some")).expect("256 bits");
        let slack = Linear { constant: Int::new(3), ..Linear::default() };
        let valid = Valid { boxes: Vec::new(), epoch: EPOCH };
        let form = Form { backing, requirement, slack, scale: U256::new(1), valid, ..Form::default() };
        book.accounts.push((market, Compiled::Rows(vec![form])));
    }
    book
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Rows of every kind, nodes of every kind, and updates between: after each tick the events are those of brute force.
    #[test]
    fn events_are_those_of_brute_force(seed in any::<u64>()) {
        let mut random = Random(seed);
        let mut book = Book::random(&mut random, 60);
        let mut index = book.index();
        for account in 0..book.accounts.len() {
            book.update(&mut index, account)?;
        }
        for _ in 0..60 {
            let steps = book.steps(&mut random, 3);
            book.tick(&mut index, &steps)?;
            for _ in 0..random.below(4) {
                let account = random.below(book.accounts.len() as u64) as usize;
                let market = random.below(MARKETS as u64) as usize;
                book.accounts[account] = (market, compiled(&mut random, &book.worlds[market]));
                book.update(&mut index, account)?;
            }
            if random.one_in(10) {
                let account = random.below(book.accounts.len() as u64) as usize;
                book.accounts[account].1 = Compiled::NoDebt;
                let found = index.remove(account as u32).to_vec();
                prop_assert_eq!(found, book.events(account..account + 1));
            }
            if random.one_in(20) {
                book.new_epoch(&mut random, &mut index)?;
            }
        }
    }
}

/// Jumps that leave thousands of boxes at once, small steps before they are made again, and further jumps between.
#[test]
fn jumps_are_ticks_like_others() {
    (0..2).try_for_each(jumps).unwrap_or_else(|error| panic!("{error}"));
}

fn jumps(seed: u64) -> Result<(), TestCaseError> {
    let mut random = Random(seed);
    let mut book = plain_book(&mut random, 20_000);
    let mut index = book.index();
    for account in 0..book.accounts.len() {
        book.update(&mut index, account)?;
    }
    let mut most = 0;
    for tick in 0..40 {
        let market = random.below(MARKETS as u64) as usize;
        let jump = tick % 8 == 0;
        let moved: Vec<_> = (0..NODES)
            .filter_map(|node| {
                let mantissa = book.worlds[market][node].ok()?.mantissa;
                let by =
                    mantissa.div(Int::new(if jump { 5 } else { 4000 }), plimsoll_core::Rounding::Down)?;
                let down = node < NODES - 1 && random.one_in(2);
                let to = exact(if down { mantissa.sub(by)? } else { mantissa.add(by)? });
                (jump || random.one_in(2)).then_some((market, node, to))
            })
            .collect();
        most = most.max(book.tick(&mut index, &moved)?);
        let account = random.below(book.accounts.len() as u64) as usize;
        book.accounts[account] = book.accounts[(account + 1) % 20_000].clone();
        book.update(&mut index, account)?;
    }
    prop_assert!(most > 4096, "no jump: {} touched at most", most);
    Ok(())
}

/// Small steps touch few, and time, which moves every debt, next to none.
#[test]
fn a_tick_touches_who_is_near() {
    let mut all = (0, 0);
    for seed in 0..SEEDS {
        let (prices, debts) = touched(seed);
        all = (all.0 + prices, all.1 + debts);
    }
    let (prices, debts) = (all.0 / SEEDS, all.1 / SEEDS);
    assert!(prices < 100 * 15 && debts < 200, "{prices} for prices, {debts} for debts");
}

/// Books that the mean is taken of: one alone may have many accounts at a line.
const SEEDS: u64 = 8;

/// Ticks whose answers are not looked at, for the test above does: how many accounts they touch.
fn touched(seed: u64) -> (u64, u64) {
    let mut random = Random(seed);
    let mut book = plain_book(&mut random, 5000);
    let mut index = book.index();
    for (account, (market, compiled)) in (0..).zip(&book.accounts) {
        index.update(account, compiled, &Book::rows(*market), |asked| book.answer(asked)).expect("room");
    }
    let (mut prices, mut debts) = (0, 0);
    for tick in 0..200 {
        let node = if tick % 2 == 0 { random.below(NODES as u64 - 1) as usize } else { NODES - 1 };
        let moved: Vec<_> = (0..MARKETS)
            .filter_map(|market| {
                let mantissa = book.worlds[market][node].ok()?.mantissa;
                // A price moves by a basis point; what is owed grows by 10^-8.
                let part = if tick % 2 == 0 { 10_000 } else { 100_000_000 };
                let by = mantissa.div(Int::new(part), plimsoll_core::Rounding::Down)?;
                let down = tick % 2 == 0 && random.one_in(2);
                book.worlds[market][node] = exact(if down { mantissa.sub(by)? } else { mantissa.add(by)? });
                Some(((1 + market * NODES + node) as u32, book.worlds[market][node]))
            })
            .collect();
        let (ticked, _) = index.tick(&moved, |asked| book.answer(asked));
        *(if tick % 2 == 0 { &mut prices } else { &mut debts }) += ticked.touched;
    }
    (prices, debts)
}

/// Who has one holding and one debt is looked at when it crosses, and hardly ever else; the lines of three levels among them.
#[test]
fn a_pair_is_looked_at_when_it_crosses() {
    cross(11).unwrap_or_else(|error| panic!("{error}"));
}

fn cross(seed: u64) -> Result<(), TestCaseError> {
    let mut random = Random(seed);
    let mut book = plain_book(&mut random, 3000);
    for (_, compiled) in &mut book.accounts {
        if let Compiled::Rows(rows) = compiled
            && let Some((node, coefficient)) = rows[0].backing.terms.first().copied()
        {
            let health = Int::new(1000 + i128::from(random.below(300)));
            let owed =
                coefficient.mul(Int::new(1000)).and_then(|x| x.div(health, plimsoll_core::Rounding::Down));
            // Another node, at the same price in market 0 and at its own in market 1.
            let debt = NodeId((node.0 + 1) % NODES as u32);
            rows[0].backing.terms = vec![(node, coefficient)];
            rows[0].requirement.terms = vec![(debt, owed.expect("small"))];
        }
    }
    for node in 0..NODES {
        book.worlds[0][node] = exact(Int::new(3_000_000_000));
    }
    let mut index = book.index();
    for account in 0..book.accounts.len() {
        book.update(&mut index, account)?;
    }
    let (mut touched, mut events) = (0, 0);
    for _ in 0..120 {
        let node = random.below(NODES as u64) as usize;
        let mantissa = book.worlds[0][node].expect("known").mantissa;
        let by = mantissa.div(Int::new(1000), plimsoll_core::Rounding::Down).expect("smaller");
        let to = if random.one_in(2) { mantissa.add(by) } else { mantissa.sub(by) };
        let before = book.verdicts.clone();
        touched += book.tick(&mut index, &[(0, node, exact(to.expect("256 bits")))])?;
        let flips = before
            .iter()
            .zip(&book.verdicts)
            .map(|(was, is)| was.iter().zip(is).filter(|(a, b)| a != b).count());
        events += flips.sum::<usize>() as u64;
    }
    prop_assert!(
        events > 200 && touched < events + events / 20 + 20,
        "{} touched, {} events",
        touched,
        events
    );
    Ok(())
}

/// Exactly at the line is healthy; one unit below is not, though the floats beside them are equal.
#[test]
fn one_unit_at_the_line_is_an_event() {
    let layout = Layout::new([1]).expect("few");
    let at = Int::from(U256::pow10(30).expect("256 bits"));
    let backing = Linear::default().plus(NodeId(0), Int::new(1)).expect("one");
    let requirement = Linear { constant: at, ..Linear::default() };
    let form = Form { backing, requirement, scale: U256::new(1), ..Form::default() };
    let world = |value| [exact(value)];
    let mut index = Index::new(&layout, World::new(&layout, [&world(at)[..]]), &LEVELS[..1]).expect("sound");
    let rows = MarketRows { market: 0, base: 1, epoch: 0, quanta: 1.0 };
    let say = |unhealthy: u8| move |asked: &mut [Candidate]| asked[0].unhealthy = unhealthy;
    assert_eq!(index.update(0, &Compiled::Rows(vec![form]), &rows, say(0)), Some(&[][..]));
    let below = at.sub(Int::new(1)).expect("256 bits");
    let event = |unhealthy| Event { account: 0, level: 0, unhealthy };
    assert_eq!(index.tick(&[(1, exact(below))], say(1)).1, [event(true)]);
    assert_eq!(index.tick(&[(1, exact(below))], say(1)).1, []);
    assert_eq!(index.tick(&[(1, exact(at))], say(0)).1, [event(false)]);
    // Far above, nobody is asked.
    let far = at.add(at).expect("256 bits");
    let (ticked, _) = index.tick(&[(1, exact(far))], |_| panic!("asked"));
    assert_eq!((ticked.touched, ticked.asked), (1, 0));
    let (ticked, _) = index.tick(&[(1, exact(far.sub(Int::new(7)).expect("256 bits")))], |_| panic!("asked"));
    assert_eq!((ticked.touched, ticked.asked), (0, 0));
}

#[test]
fn levels_that_mean_nothing_are_refused() {
    let layout = Layout::new([1]).expect("few");
    let world = || World::new(&layout, [&[exact(Int::new(1))][..]]);
    for levels in [&[][..], &[Level { num: 0, den: 1 }], &[Level { num: 1, den: 0 }], &[LEVELS[0]; 9]] {
        assert!(Index::new(&layout, world(), levels).is_none());
    }
    assert!(Index::new(&layout, world(), &[LEVELS[0]; 8]).is_some());
}
