//! One book of all six venues: the markets of the example books, thousands of accounts of each venue, judged by the venues' own integers.
//!
//! Accounts are those of the examples with other quantities, so that healths are next to a line or up to 1.4. An asset's price moves in
//! all markets that read it; time moves too, so that indices, rates and delayed oracles do; prices are lost and come back; and one tick in six
//! puts a price where some account's verdict flips, or a unit beside.

use super::Watched;
use crate::random::Random;
use plimsoll_core::{
    Account, Compiled, Feeds, InstrumentId, Int, Kind, Lens, Market, Node, Question, Quoted, Reading,
    Rounding, Test, Time, U256, Verdict, Why,
};
use plimsoll_io::book;
use plimsoll_kernel::{Candidate, Event, Index, Layout, Level, MarketRows, World};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const EXAMPLES: [&str; 5] = ["lending", "compound_v3", "maker", "liquity", "crash"];
/// Liquidation, and a margin call.
const LEVELS: [Level; 2] = [Level { num: 1, den: 1 }, Level { num: 11, den: 10 }];

/// A market as it stands.
struct Place {
    market: Box<dyn Market>,
    begun: [Vec<Reading>; 2],
    at: Time,
    /// What each slot prices.
    names: Vec<String>,
    rows: MarketRows,
    nodes: Vec<Result<Node, Why>>,
    /// Some debtor, and the rows that its venue gives it.
    sample: Option<(Account, Compiled)>,
}

/// Its prices as they are and as they were at first.
const NOW: usize = 0;
const FIRST: usize = 1;

impl Place {
    fn readings(&self) -> &[Reading] {
        &self.begun[NOW]
    }

    fn stand<'m>(&'m self, readings: &[Reading]) -> Option<Box<dyn Quoted + 'm>> {
        self.market.at(Feeds { readings }, Lens::Action, self.at).ok()
    }

    fn compile(&self, account: &Account) -> Compiled {
        let question = Question { test: Test::Liquidation, lens: Lens::Action, at: self.at };
        self.market.compile(account, question).unwrap_or(Compiled::Opaque)
    }

    fn debts(&self, account: &Account) -> Vec<InstrumentId> {
        let instruments = self.market.instruments();
        let owed = |id: &InstrumentId| instruments.get(id.index()).is_some_and(|one| one.kind == Kind::Debt);
        account.holdings().iter().map(|holding| holding.instrument).filter(owed).collect()
    }
}

pub(super) struct Book {
    places: Vec<Place>,
    accounts: Vec<(usize, Account)>,
    verdicts: Vec<u8>,
    index: Index,
    /// Which venues there are, with how many accounts.
    pub(super) venues: BTreeMap<&'static str, usize>,
}

impl Book {
    /// So many accounts of each venue.
    pub(super) fn new(random: &mut Random, of_each: usize) -> Option<Book> {
        let (mut places, mut templates) = (Vec::new(), Vec::new());
        for name in EXAMPLES {
            read(name, &mut places, &mut templates)?;
        }
        let layout = Layout::new(places.iter().map(|place: &Place| place.nodes.len()))?;
        for (number, place) in (0..).zip(&mut places) {
            let base = layout.base(number)?;
            place.rows = MarketRows { market: number as u32, base, epoch: place.market.epoch(), quanta: 1.0 };
        }
        let index =
            Index::new(&layout, World::new(&layout, places.iter().map(|place| &place.nodes[..])), &LEVELS)?;
        let mut book =
            Book { places, accounts: Vec::new(), verdicts: Vec::new(), index, venues: BTreeMap::new() };
        for venue in templates.iter().map(|(place, _)| book.venue(*place)).collect::<BTreeSet<_>>() {
            let of_venue: Vec<_> =
                templates.iter().filter(|(place, _)| book.venue(*place) == venue).collect();
            for _ in 0..of_each {
                let (place, template) = of_venue[random.below(of_venue.len() as u64) as usize];
                let account = book.like(random, *place, template);
                book.accounts.push((*place, account));
            }
            book.venues.insert(venue, of_each);
        }
        for (place, account) in &book.accounts {
            let of_place = &mut book.places[*place];
            if of_place.sample.is_none() {
                of_place.sample = Some((account.clone(), of_place.compile(account)));
            }
        }
        book.verdicts = vec![0; book.accounts.len()];
        let all: Vec<usize> = (0..book.accounts.len()).collect();
        book.update(&all).then_some(book)
    }

    fn venue(&self, place: usize) -> &'static str {
        self.places[place].market.venue().0
    }

    /// An account with other quantities, mostly at a health that is near a line.
    fn like(&self, random: &mut Random, place: usize, template: &Account) -> Account {
        let mut account = template.clone();
        for holding in template.holdings() {
            let thousandths = U256::from(300 + random.below(2700));
            let quantity = times(holding.quantity, thousandths, U256::from(1000_u64));
            account.set(holding.instrument, quantity.unwrap_or(holding.quantity));
        }
        let of_place = &self.places[place];
        let health = match random.below(4) {
            0 => 1000,
            1 => 1100,
            _ => 940 + random.below(460),
        };
        let seen =
            of_place.stand(of_place.readings()).and_then(|at| at.verdict(&account, Test::Liquidation).ok());
        let Some(seen) = seen.filter(|seen| seen.requirement > Int::ZERO && seen.backing > Int::ZERO) else {
            return account;
        };
        for debt in of_place.debts(&account) {
            let thousandfold = seen.backing.magnitude().mul(U256::from(1000_u64));
            let by = seen.requirement.magnitude().mul(U256::from(health));
            let quantity =
                thousandfold.zip(by).and_then(|(num, den)| times(account.quantity(debt), num, den));
            account.set(debt, quantity.unwrap_or(account.quantity(debt)));
        }
        account
    }

    /// Updates accounts; whether the index says of each what brute force does.
    fn update(&mut self, accounts: &[usize]) -> bool {
        let mut same = true;
        for part in 0..self.places.len() {
            let place = &self.places[part];
            let Some(quoted) = place.stand(place.readings()) else { return false };
            for &number in accounts.iter().filter(|number| self.accounts[**number].0 == part) {
                let account = &self.accounts[number].1;
                let is = bits(&*quoted, account);
                let found = self.index.update(number as u32, &place.compile(account), &place.rows, |asked| {
                    for candidate in asked {
                        candidate.unhealthy = is;
                    }
                });
                let was = std::mem::replace(&mut self.verdicts[number], is);
                same &= found.map(<[Event]>::to_vec) == Some(changes(number as u32, was, is).collect());
            }
        }
        same
    }

    /// What moves next, done to the places; which of them.
    fn step(&mut self, random: &mut Random) -> BTreeSet<usize> {
        if random.below(6) == 0
            && let Some((place, slot, price)) = self.to_the_line(random)
        {
            self.places[place].begun[NOW][slot] = Reading::certain(price);
            return BTreeSet::from([place]);
        }
        if random.below(4) == 0 {
            let seconds = [1, 12, 60, 1800][random.below(4) as usize];
            for place in &mut self.places {
                place.at = Time(place.at.0 + seconds);
            }
            return (0..self.places.len()).collect();
        }
        let place = &self.places[random.below(self.places.len() as u64) as usize];
        if place.names.is_empty() {
            return BTreeSet::new();
        }
        let name = place.names[random.below(place.names.len() as u64) as usize].clone();
        let thousandths = match random.below(30) {
            0 => 1000 + random.below(400),
            1 => 700 + random.below(300),
            _ => 995 + random.below(11),
        };
        let lost = random.below(60) == 0;
        let mut moved = BTreeSet::new();
        for (number, place) in self.places.iter_mut().enumerate() {
            let [now, first] = &mut place.begun;
            for (slot, _) in place.names.iter().enumerate().filter(|(_, other)| **other == name) {
                now[slot] = stepped(&now[slot], &first[slot], U256::from(thousandths), lost);
                moved.insert(number);
            }
        }
        moved
    }

    /// A market's price at which some account's verdict flips, or a unit beside it.
    fn to_the_line(&self, random: &mut Random) -> Option<(usize, usize, U256)> {
        let (number, account) = &self.accounts[random.below(self.accounts.len() as u64) as usize];
        let place = &self.places[*number];
        let slot = random.below(place.names.len().max(1) as u64) as usize;
        let mut readings = place.readings().to_vec();
        let first = place.begun[FIRST].get(slot)?.value?;
        let level = random.below(LEVELS.len() as u64);
        let mut judge = |price: U256| {
            readings[slot] = Reading::certain(price);
            Some(bits(&*place.stand(&readings)?, account) >> level & 1)
        };
        let (mut low, mut high) =
            (first.div(U256::from(2_u64), Rounding::Up)?, first.mul(U256::from(2_u64))?);
        let (below, above) = (judge(low)?, judge(high)?);
        if below == above {
            return None;
        }
        while high.sub(low)? > U256::ONE {
            let middle = low.add(high.sub(low)?.div(U256::from(2_u64), Rounding::Down)?)?;
            *(if judge(middle)? == below { &mut low } else { &mut high }) = middle;
        }
        Some((*number, slot, [low, high, high.add(U256::ONE)?][random.below(3) as usize]))
    }
}

impl Watched for Book {
    fn accounts(&self) -> u64 {
        self.accounts.len() as u64
    }

    fn tick(&mut self, random: &mut Random) -> Option<(Vec<Event>, Vec<Event>)> {
        let moved = self.step(random);
        let (places, accounts) = (&self.places, &self.accounts);
        let quoted = places.iter().map(|place| place.stand(place.readings())).collect::<Option<Vec<_>>>()?;
        let mut named = Vec::new();
        for &number in &moved {
            let nodes = quoted[number].nodes();
            let old = places[number].nodes.iter().zip(nodes).enumerate();
            let others = old.filter(|(_, (old, new))| old != new);
            named.extend(others.map(|(at, (_, new))| (places[number].rows.base + at as u32, *new)));
        }
        let decide = |asked: &mut [Candidate]| {
            for candidate in asked {
                let (place, account) = &accounts[candidate.account as usize];
                candidate.unhealthy = bits(&*quoted[*place], account);
            }
        };
        let mut ours = self.index.tick(&named, decide).1.to_vec();
        // A venue's rows may be others with time: then they are void, and each is made again.
        for &number in &moved {
            let place = &places[number];
            let others = place.sample.as_ref().is_some_and(|(account, rows)| place.compile(account) != *rows);
            if others {
                ours.extend(self.index.void(number as u32, decide));
                for (at, (_, account)) in (0..).zip(accounts).filter(|(_, (place, _))| *place == number) {
                    ours.extend(self.index.update(at, &place.compile(account), &place.rows, decide)?);
                }
            }
        }
        ours.sort_unstable();
        let mut theirs = Vec::new();
        for (number, (place, account)) in accounts.iter().enumerate() {
            let is = bits(&*quoted[*place], account);
            theirs.extend(changes(number as u32, std::mem::replace(&mut self.verdicts[number], is), is));
        }
        let nodes: Vec<_> = moved.iter().map(|number| (*number, quoted[*number].nodes().to_vec())).collect();
        drop(quoted);
        for (number, nodes) in nodes {
            let place = &mut self.places[number];
            place.nodes = nodes;
            if let Some((account, _)) = place.sample.take() {
                let rows = place.compile(&account);
                place.sample = Some((account, rows));
            }
        }
        Some((ours, theirs))
    }

    /// An account becomes another of its kind.
    fn change(&mut self, random: &mut Random) -> bool {
        let number = random.below(self.accounts.len() as u64) as usize;
        let (place, account) = &self.accounts[number];
        self.accounts[number].1 = self.like(random, *place, &account.clone());
        self.update(&[number])
    }
}

/// A book of the examples: its markets, and its accounts that owe.
fn read(name: &str, places: &mut Vec<Place>, templates: &mut Vec<(usize, Account)>) -> Option<()> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples")).join(name);
    let book = book::open(&folder).book;
    let quotes: Vec<_> = book.graph.quotes(book.at).iter().map(|quote| quote.as_used()).collect();
    for (number, listed) in book.markets.iter().enumerate() {
        let readings = book.readings(listed, &quotes);
        let slot = |slot: &plimsoll_core::PriceSlot| format!("{}/{}", slot.asset, slot.currency);
        let mut place = Place {
            names: listed.market.slots().iter().map(slot).collect(),
            market: listed.market.boxed_clone(),
            begun: [readings.clone(), readings],
            at: book.at,
            rows: MarketRows { market: 0, base: 0, epoch: 0, quanta: 1.0 },
            nodes: Vec::new(),
            sample: None,
        };
        let nodes = place.stand(place.readings())?.nodes().to_vec();
        place.nodes = nodes;
        let own = book.accounts.iter().filter(|account| account.market == number).map(|one| &one.account);
        let owing = own.filter(|account| !matches!(place.compile(account), Compiled::NoDebt));
        templates.extend(owing.map(|account| (places.len(), account.clone())));
        places.push(place);
    }
    Some(())
}

/// Bit n: unhealthy at level n. Where the venue has no answer, nobody is shown as safe.
fn bits(quoted: &dyn Quoted, account: &Account) -> u8 {
    let Ok(seen) = quoted.verdict(account, Test::Liquidation) else { return 3 };
    let side = |side: Int, by: u32| side.mul(Int::new(i128::from(by)));
    let [_, call] = &LEVELS;
    let called = side(seen.backing, call.den).zip(side(seen.requirement, call.num));
    u8::from(seen.verdict == Verdict::Unhealthy)
        | u8::from(called.is_none_or(|(backing, asked)| backing < asked)) << 1
}

fn changes(account: u32, was: u8, is: u8) -> impl Iterator<Item = Event> {
    let changed = (0..LEVELS.len() as u8).filter(move |level| (was ^ is) >> level & 1 == 1);
    changed.map(move |level| Event { account, level, unhealthy: is >> level & 1 == 1 })
}

fn times(quantity: Int, num: U256, den: U256) -> Option<Int> {
    quantity.magnitude().mul_div_wide(num, den, Rounding::Up).map(Int::from)
}

/// A price after a step; what is lost comes back as it was at first, as does what has gone far.
fn stepped(now: &Reading, first: &Reading, thousandths: U256, lost: bool) -> Reading {
    let (Some(value), Some(begun)) = (now.value, first.value) else { return *first };
    if lost {
        return Reading::unknown(None, Why::Missing);
    }
    let to = value.mul_div(thousandths, U256::from(1000_u64), Rounding::Up).unwrap_or(begun);
    let far = to < begun.div(U256::from(3_u64), Rounding::Up).unwrap_or(begun)
        || to > begun.mul(U256::from(3_u64)).unwrap_or(begun);
    Reading::certain(if far { begun } else { to })
}
