//! The form of a trove: the row that the header derives.

use super::deposit::check_person;
use super::position::{Trove, is_trove};
use super::{Branch, MOST_BRANCHES, Market, ONE, batch_object};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{
    Account, Compiled, Form, Int, Linear, Node, NodeId, NodeSpec, Refusal, Silent, Test, Time, U256, Valid,
    Why,
};

const NODES_EACH: u32 = 4;
const PRICE: u32 = 0;
const PRICE_TIMES_COLLATERAL: u32 = 1;
const DEBT: u32 = 2;
const CLOCK: u32 = 3;

const YEAR: U256 = U256::new(31_536_000);
/// Row units in 10^-36 BOLD: 10^18 * 31536000.
const FINE: U256 = U256::new(31_536_000 * 10u128.pow(18));

const OVERFLOW: Refusal = Refusal::Overflow("the form's coefficients");

fn node(branch: usize, which: u32) -> NodeId {
    NodeId(NODES_EACH * (branch.min(MOST_BRANCHES) as u32) + which)
}

/// The nodes that a market offers: four a branch, then one a batch.
pub(super) fn specs(market: &Market) -> Vec<NodeSpec> {
    let mut all = Vec::new();
    for (branch, name) in market.collaterals.iter().enumerate() {
        let spec = |name, slot| NodeSpec { name, slot };
        all.extend([
            spec(format!("{name} price"), Some(branch)),
            spec(format!("{name} price x collateral per stake"), Some(branch)),
            spec(format!("{name} debt per stake"), None),
            spec(format!("{name} clock"), None),
        ]);
    }
    for (branch, manager, _) in market.batches() {
        let name = market.collaterals.get(branch).map_or("", |name| name.as_str());
        all.push(NodeSpec { name: format!("{name} debt per share of batch {}", manager.0), slot: None });
    }
    all
}

/// Their values.
pub(super) fn values(
    market: &Market,
    prices: &[Result<U256, Why>],
    at: Time,
) -> Result<Vec<Result<Node, Why>>, Refusal> {
    let mut all = Vec::with_capacity(market.nodes.len());
    let exact = |value: U256| Ok(Node::exact(Int::from(value)));
    for (branch, price) in market.branches.iter().zip(prices) {
        let worth = match price {
            Ok(price) => {
                let worth = price.mul(branch.redistributed_collateral);
                Ok(Node::exact(worth.ok_or(Refusal::Overflow("price * collateral per stake"))?.into()))
            }
            Err(why) => Err(*why),
        };
        all.push(price.map(|price| Node::exact(price.into())));
        all.push(worth);
        all.push(exact(branch.redistributed_debt));
        all.push(exact(branch.clock(at).into()));
    }
    for (branch, _, batch) in market.batches() {
        let branch = market.branches.get(branch).ok_or(Refusal::NoSuchCell)?;
        let debt = batch.latest(&mut Silent, branch, at)?.debt;
        let each = if batch.shares == U256::ZERO {
            Node::exact(Int::ZERO)
        } else {
            let each =
                debt.mul_div_wide(ONE, batch.shares, Down).ok_or(Refusal::Overflow("debt per share"))?;
            Node { mantissa: each.into(), error: U256::ONE }
        };
        all.push(Ok(each));
    }
    Ok(all)
}

/// The ratio that a line asks of a trove (wad).
pub(super) fn least(market: &Market, trove: &Trove, test: Test) -> Result<U256, Refusal> {
    let rules = market.branches.get(trove.branch).ok_or(Refusal::InconsistentInput)?.rules;
    match test {
        Test::Borrow | Test::Fill if trove.batch.is_some() => rules.mcr.add(rules.bcr).ok_or(OVERFLOW),
        _ => Ok(rules.mcr),
    }
}

fn times(factors: &[U256]) -> Result<U256, Refusal> {
    factors.iter().try_fold(U256::ONE, |product, factor| product.mul(*factor)).ok_or(OVERFLOW)
}

fn minus(x: U256, y: U256) -> Result<Int, Refusal> {
    Int::from(x).sub(Int::from(y)).ok_or(OVERFLOW)
}

pub(super) fn compile(market: &Market, account: &Account, test: Test) -> Result<Compiled, Refusal> {
    if !is_trove(account) {
        check_person(account, market.branches.len())?;
        return Ok(Compiled::NoDebt);
    }
    let trove = Trove::of(account, market)?;
    // A trove with a stake may yet be given debt of others.
    let owes = [trove.debt, trove.shares, trove.stake].into_iter().any(|part| part != U256::ZERO);
    if !trove.is_open() || !owes {
        return Ok(Compiled::NoDebt);
    }
    let branch = market.branches.get(trove.branch).ok_or(Refusal::InconsistentInput)?;
    let least = least(market, &trove, test)?;
    let at = |which| node(trove.branch, which);

    let held = minus(times(&[trove.collateral, ONE])?, times(&[trove.stake, trove.snapshot_collateral])?)?;
    let backing = Linear {
        terms: vec![
            (at(PRICE), held.mul(Int::from(YEAR)).ok_or(OVERFLOW)?),
            (at(PRICE_TIMES_COLLATERAL), Int::from(times(&[trove.stake, YEAR])?)),
        ],
        constant: Int::ZERO,
    };

    let (debt, _) = owed(market, &trove, branch, ONE)?;
    let (requirement, floors) = owed(market, &trove, branch, least)?;

    let mut slack = times(&[least, U256::new(floors), FINE])?;
    let mut scale = FINE;
    if matches!(test, Test::Borrow | Test::Fill) {
        scale = times(&[FINE, ONE])?;
        slack = slack.add(times(&[scale, U256::new(2)])?).ok_or(OVERFLOW)?;
    }
    Ok(Compiled::Rows(vec![Form {
        collateral: backing.clone(),
        backing,
        requirement,
        debt,
        hinges: Vec::new(),
        slack: Linear { terms: vec![(at(PRICE), Int::from(FINE))], constant: Int::from(slack) },
        scale,
        valid: Valid { boxes: Vec::new(), epoch: market.epoch },
    }]))
}

/// What a trove owes, `times_each`-fold, and how often the contract cuts it.
fn owed(
    market: &Market,
    trove: &Trove,
    branch: &Branch,
    times_each: U256,
) -> Result<(Linear, u128), Refusal> {
    let at = |which| node(trove.branch, which);
    let each = times(&[times_each, YEAR])?;
    let redistributed = Int::from(times(&[each, trove.stake])?);
    let before = Int::from(times(&[each, trove.stake, trove.snapshot_debt])?);
    let mut requirement = Linear { terms: vec![(at(DEBT), redistributed)], constant: before.neg() };
    let floors = match trove.batch {
        Some(manager) => {
            let object = batch_object(trove.branch, manager).ok_or(Refusal::NoSuchManager)?;
            let place = market.batches.keys().position(|key| *key == object).ok_or(Refusal::NoSuchManager)?;
            let first =
                u32::try_from(market.branches.len()).ok().and_then(|count| count.checked_mul(NODES_EACH));
            let place =
                u32::try_from(place).ok().zip(first).and_then(|(place, first)| first.checked_add(place));
            let shares = Int::from(times(&[each, trove.shares])?);
            requirement = requirement.plus(NodeId(place.ok_or(OVERFLOW)?), shares).ok_or(OVERFLOW)?;
            4
        }
        None => {
            let recorded = Int::from(times(&[each, trove.debt, ONE])?);
            requirement.constant = requirement.constant.add(recorded).ok_or(OVERFLOW)?;
            // No interest arises after a shutdown, and none is taken back of a trove touched after it.
            if !branch.is_shut_down() || trove.last_update < branch.shutdown_time {
                let weighted = times(&[times_each, trove.debt, trove.rate])?;
                let since = Int::from(times(&[weighted, trove.last_update.into()])?);
                requirement.constant = requirement.constant.sub(since).ok_or(OVERFLOW)?;
                requirement = requirement.plus(at(CLOCK), Int::from(weighted)).ok_or(OVERFLOW)?;
            }
            2
        }
    };

    Ok((requirement, floors))
}
