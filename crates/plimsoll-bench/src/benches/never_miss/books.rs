//! Books of accounts of every kind, judged by brute force.

use super::Watched;
use crate::random::Random;
use plimsoll_core::{Compiled, Form, Int, Linear, Node, NodeId, Nodes, Rounding, U256, Why};
use plimsoll_kernel::{Candidate, Event, Index, Layout, Level, MarketRows, World};

const NODES: usize = 8;
/// Below: prices. From here on: what debts grow with.
const DEBTS: usize = 6;
const LEVELS: [Level; 3] = [Level { num: 1, den: 1 }, Level { num: 11, den: 10 }, Level { num: 5, den: 4 }];
const ROWS: MarketRows = MarketRows { market: 0, base: 1, epoch: 0, quanta: 1e-12 };

type Moved = Vec<(u32, Result<Node, Why>)>;

pub(super) struct Book {
    accounts: Vec<Compiled>,
    world: Vec<Result<Node, Why>>,
    verdicts: Vec<u8>,
    index: Index,
}

impl Book {
    pub(super) fn new(random: &mut Random, accounts: usize) -> Option<Book> {
        let world: Vec<_> = (0..NODES).map(|node| Ok(Node::exact(begin(random, node)))).collect();
        let layout = Layout::new([NODES])?;
        let index = Index::new(&layout, World::new(&layout, [&world[..]]), &LEVELS)?;
        let compiled = (0..accounts).map(|_| account(random, &world)).collect::<Option<_>>()?;
        let mut book = Book { accounts: compiled, world, verdicts: vec![0; accounts], index };
        (0..accounts).all(|account| book.update(account)).then_some(book)
    }

    /// The next tick's nodes.
    fn moves(&self, random: &mut Random) -> Moved {
        if random.below(4) == 0
            && let Some(moved) = self.to_the_line(random)
        {
            return vec![moved];
        }
        // Time: all debts grow.
        if random.below(4) == 0 {
            return (DEBTS..NODES)
                .map(|node| (node as u32, self.stepped(random, node, 100_000_000)))
                .collect();
        }
        let count = 1 + random.below(3);
        let one = |random: &mut Random| {
            let node = random.below(NODES as u64) as usize;
            let part = match random.below(40) {
                0 => 3,
                1 => return (node as u32, Err(Why::Missing)),
                2..=5 => 30,
                _ => 2000,
            };
            (node as u32, self.stepped(random, node, part))
        };
        (0..count).map(|_| one(random)).collect()
    }

    /// A node moved by such a part of itself; one that is unknown comes back.
    fn stepped(&self, random: &mut Random, node: usize, part: i128) -> Result<Node, Why> {
        let Ok(Node { mantissa, .. }) = self.world[node] else { return Ok(Node::exact(begin(random, node))) };
        let by = mantissa.div(Int::new(part), Rounding::Down).ok_or(Why::Missing)?;
        let up = node >= DEBTS || random.below(2) == 0;
        let to = if up { mantissa.add(by) } else { mantissa.sub(by) }.ok_or(Why::Missing)?;
        // What has walked far begins again.
        let size = to.magnitude().bit_len();
        Ok(Node::exact(if (30..110).contains(&size) { to } else { begin(random, node) }))
    }

    /// A node put where some row is zero at some level, or a unit beside.
    fn to_the_line(&self, random: &mut Random) -> Option<(u32, Result<Node, Why>)> {
        let Compiled::Rows(rows) = &self.accounts[random.below(self.accounts.len() as u64) as usize] else {
            return None;
        };
        let (form, nodes) = (&rows[0], Nodes { values: &self.world });
        let terms = &form.backing.terms;
        let (node, coefficient) = *terms.get(random.below(terms.len() as u64) as usize)?;
        let level = LEVELS[random.below(3) as usize];
        let requirement = form.requirement.at(&nodes).ok()?.to_int()?;
        let row = form.row(&nodes).ok()?.to_int()?.add(requirement)?.mul(whole(level.den))?;
        let off = row.sub(requirement.mul(whole(level.num))?)?;
        let by = off.div(coefficient.mul(whole(level.den))?, Rounding::Down)?;
        let to = self.world[node.0 as usize]
            .ok()?
            .mantissa
            .sub(by)?
            .add(Int::new(i128::from(random.below(3)) - 1))?;
        let size = to.magnitude().bit_len();
        (!to.is_negative() && (30..110).contains(&size)).then_some((node.0, Ok(Node::exact(to))))
    }

    fn update(&mut self, account: usize) -> bool {
        let (compiled, world) = (&self.accounts[account], &self.world);
        let decide = |asked: &mut [Candidate]| {
            for candidate in asked {
                candidate.unhealthy = verdicts(compiled, world);
            }
        };
        let found = self.index.update(account as u32, compiled, &ROWS, decide);
        let found = found.map(<[Event]>::to_vec);
        found == Some(self.by_force(account..account + 1))
    }

    fn by_force(&mut self, accounts: std::ops::Range<usize>) -> Vec<Event> {
        let mut events = Vec::new();
        for account in accounts {
            let (is, was) = (verdicts(&self.accounts[account], &self.world), self.verdicts[account]);
            self.verdicts[account] = is;
            for level in (0..LEVELS.len() as u8).filter(|level| (is ^ was) >> level & 1 == 1) {
                events.push(Event { account: account as u32, level, unhealthy: is >> level & 1 == 1 });
            }
        }
        events
    }
}

impl Watched for Book {
    fn accounts(&self) -> u64 {
        self.accounts.len() as u64
    }

    fn tick(&mut self, random: &mut Random) -> Option<(Vec<Event>, Vec<Event>)> {
        let moved = self.moves(random);
        for (node, to) in &moved {
            self.world[*node as usize] = *to;
        }
        let places: Moved = moved.iter().map(|(node, to)| (node + ROWS.base, *to)).collect();
        let (accounts, world) = (&self.accounts, &self.world);
        let decide = |asked: &mut [Candidate]| {
            for candidate in asked {
                candidate.unhealthy = verdicts(&accounts[candidate.account as usize], world);
            }
        };
        let (_, found) = self.index.tick(&places, decide);
        let found = found.to_vec();
        Some((found, self.by_force(0..self.accounts.len())))
    }

    fn change(&mut self, random: &mut Random) -> bool {
        if self.world.iter().any(Result::is_err) {
            return true;
        }
        let at = random.below(self.accounts.len() as u64) as usize;
        match account(random, &self.world) {
            Some(account) => {
                self.accounts[at] = account;
                self.update(at)
            }
            None => false,
        }
    }
}

fn whole(value: u32) -> Int {
    Int::new(i128::from(value))
}

/// Prices of 10^8 to 10^14 and more; debts' rates near 10^27.
fn begin(random: &mut Random, node: usize) -> Int {
    let spread = i128::from(random.below(1 << 40));
    if node >= DEBTS {
        return Int::new((1 << 90) + (spread << 50));
    }
    Int::new((1_i128 << (32 + node * 12)) + spread)
}

/// Bit n: unhealthy at level n. What cannot be computed is unhealthy; what has no proven row is anything.
fn verdicts(compiled: &Compiled, world: &[Result<Node, Why>]) -> u8 {
    let nodes = Nodes { values: world };
    match compiled {
        Compiled::NoDebt => 0,
        Compiled::Opaque => {
            let low = |node: &Node| node.mantissa.magnitude().field(0, 8) as u8;
            world.iter().flatten().fold(0, |bits, node| bits ^ low(node)) & 7
        }
        Compiled::Rows(rows) => rows.iter().fold(0, |bits, form| bits | failing(form, &nodes).unwrap_or(7)),
    }
}

/// The levels at which a row fails. The exact verdict is somewhere within the slack, always alike in one world.
fn failing(form: &Form, nodes: &Nodes<'_>) -> Option<u8> {
    let requirement = form.requirement.at(nodes).ok()?;
    let mut backing = form.row(nodes).ok()?.add(requirement)?;
    let slack = form.slack(nodes).ok()?;
    if slack.bits() > 0 {
        let (first, _) = form.backing.terms.first()?;
        backing = match nodes.get(*first).ok()?.mantissa.magnitude().field(0, 8) % 3 {
            0 => backing.sub(slack)?,
            1 => backing.add(slack)?,
            _ => backing,
        };
    }
    let mut bits = 0;
    for (n, level) in LEVELS.iter().enumerate() {
        let (num, den) = (U256::new(u128::from(level.num)), U256::new(u128::from(level.den)));
        let row = backing.mul(den)?.sub(requirement.mul(num)?)?;
        bits |= u8::from(row.is_negative()) << n;
    }
    Some(bits)
}

fn account(random: &mut Random, world: &[Result<Node, Why>]) -> Option<Compiled> {
    let rows = match random.below(50) {
        0 => return Some(Compiled::NoDebt),
        1 => return Some(Compiled::Opaque),
        2..=6 => 2 + random.below(2),
        _ => 1,
    };
    let hinges = random.below(5) == 0;
    (0..rows).map(|_| form(random, world, hinges)).collect::<Option<_>>().map(Compiled::Rows)
}

/// Some collaterals and a debt, so that the health is 0.9 to 1.4, or next to a level's line.
fn form(random: &mut Random, world: &[Result<Node, Why>], hinges: bool) -> Option<Form> {
    let nodes = Nodes { values: world };
    let size = |random: &mut Random| {
        let bits = 10 + random.below(40);
        Int::new(i128::from(1 + random.below(1 << bits)))
    };
    let mut form = Form { scale: U256::new(u128::from(1 + random.below(10_000))), ..Form::default() };
    for _ in 0..1 + random.below(4) {
        let node = random.below(DEBTS as u64) as u32;
        form.backing = form.backing.plus(NodeId(node), size(random))?;
    }
    let debt = if random.below(5) == 0 { random.below(DEBTS as u64) } else { random.below(2) + DEBTS as u64 };
    let debt = NodeId(debt as u32);
    if hinges {
        let (worth, less) = (size(random), size(random));
        form.hinges = vec![Linear::default().plus(NodeId(random.below(DEBTS as u64) as u32), worth)?];
        form.hinges[0].constant = less.mul(Int::new(1 << 40))?.neg();
    }
    let worth = form.row(&nodes).ok()?.to_int()?;
    if worth.is_negative() {
        return Some(Form { requirement: Linear { constant: Int::new(1), ..Linear::default() }, ..form });
    }
    let health = match random.below(4) {
        0 => [1000, 1100, 1250][random.below(3) as usize],
        _ => 900 + random.below(500),
    };
    let owed = worth.mul(Int::new(1000))?.div(Int::new(i128::from(health)), Rounding::Down)?;
    let amount = owed.div(nodes.get(debt).ok()?.mantissa, Rounding::Down)?;
    // A debt that is nothing beside its rate is a constant.
    form.requirement = if amount.is_zero() {
        Linear { constant: owed, ..Linear::default() }
    } else {
        Linear::default().plus(debt, amount)?
    };
    match random.below(4) {
        0 => {}
        1 => form.slack.constant = Int::new(3),
        2 => form.slack = Linear::default().plus(debt, Int::new(1))?,
        _ => {
            for (node, coefficient) in form.backing.terms.clone() {
                let part = coefficient.div(Int::new(10_000), Rounding::Up)?;
                form.slack = form.slack.plus(node, part)?;
            }
        }
    }
    Some(form)
}
