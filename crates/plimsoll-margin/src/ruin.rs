//! The waterfall over a book: who bears what accounts that are worth less than nothing cannot, and who stands where if positions have to be closed.
//!
//! An account is ruined where all that it holds and its positions, at the prices that its market reads and without any weight, are worth less than what it owes. What is
//! missing is the loss. Ruined accounts are taken in the order of the book:
//!
//! 1. *Account.* Nothing is left of it.
//! 2. *Its bucket's fund*: of the funds that name contracts the first all of whose contracts hold every position of the account.
//! 3. *The shared fund* of the market, in the order of the file.
//! 4. *Others*, by the rule of the market: counterparties, whose positions are closed at the bankrupt account's bankruptcy price
//!    ([`crate::waterfall::deleverage`]), or everybody with a position in the contract ([`crate::waterfall::socialise`]).
//!
//! The loss of an account with several positions is theirs by what they are worth: share(k) = floor(loss x sum up to k / total) - floor(loss x sum before k / total), equal shares where
//! all are worth nothing. Of a position whose share is partly borne by funds only as many lots are closed as the rest is of the share, raised to a whole lot:
//! no more than needed. Whoever has nothing himself bears nothing. What nobody of the book can bear is told as left: a book need not have the other side of a position, and
//! behind a loan without a position stand its lenders.
//!
//! An account that a missing or doubtful price touches is unknown: it is in no sum and in no order, and that is told.
//!
//! Sums are in units of 10^-18 of a market's currency; what an account is worth is rounded down, and so a loss up.

use crate::waterfall::{Borne, Counterparty, deleverage, lots_before, socialise, split};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::{
    Account, Book, Certainty, InstrumentId, Int, Kind, Lens, Market, Quoted, Refusal, Rounding, Standing,
    Test, Traded, U256,
};

/// Digits of sums and prices.
pub const DIGITS: u8 = 18;

/// Who bears what funds do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Last {
    /// Counterparties, in the order of profit x leverage.
    #[default]
    Deleverage,
    /// Everybody with a position in the contract.
    Socialise,
}

/// A fund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fund {
    /// Whose: a market by its name.
    pub market: String,
    /// The contracts of its bucket; none of a fund that all of the market share.
    pub contracts: Vec<String>,
    /// What is in it.
    pub amount: u128,
}

/// What stands behind the accounts of a book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Funds, in the order in which they are asked.
    pub funds: Vec<Fund>,
    /// What markets do after their funds; those that are not named deleverage.
    pub last: Vec<(String, Last)>,
}

/// What somebody bears of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// His account, as a place in the book.
    pub account: usize,
    /// How many lots of his are closed; none where the loss is socialised.
    pub lots: u128,
    /// What he gives.
    pub amount: u128,
}

/// What becomes of one position of a ruined account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The contract.
    pub contract: String,
    /// Its lots, short where negative.
    pub lots: i128,
    /// Its part of the loss, and of what funds do not bear.
    pub loss: [u128; 2],
    /// The price at which closing it would leave nothing missing, rounded to the side on which it does not; `None` beyond the numbers, and where none is
    /// above zero.
    pub bankruptcy: Option<u128>,
    /// Who bears the rest.
    pub shares: Vec<Share>,
    /// What nobody of the book bears.
    pub left: u128,
}

/// An account that is worth less than nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruined {
    /// Its place in the book.
    pub account: usize,
    /// What is missing.
    pub loss: u128,
    /// Who bears it.
    pub borne: Borne,
    /// What its positions come to, in the order of their contracts.
    pub endings: Vec<Ending>,
    /// What nobody bears of what has no position.
    pub left: u128,
}

/// A book's waterfall.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruin {
    /// Ruined accounts, in the order of the book.
    pub ruined: Vec<Ruined>,
    /// What is left of each fund.
    pub funds: Vec<u128>,
    /// Accounts of which nobody can say what they are worth.
    pub unknown: Vec<usize>,
    /// Accounts of which a number does not fit: nothing is told of them.
    pub beyond: Vec<usize>,
}

/// One place in the order of deleveraging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Whose.
    pub account: usize,
    /// Lots, short where negative.
    pub lots: i128,
    /// How many lots stand before his.
    pub before: u128,
    /// At what price it was entered; that of valuation where the book does not say what was paid.
    pub entry: u128,
    /// What the account is worth.
    pub value: i128,
}

/// The order in which positions of one contract would be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The market, as a place in the book.
    pub market: usize,
    /// The contract.
    pub contract: String,
    /// One lot (raw base), and the decimals of the base.
    pub lot: (U256, u8),
    /// What the contract is worth; `None` where its price is not known: then there is no order.
    pub mark: Option<u128>,
    /// If a short one went bankrupt: long ones; and the other way round.
    pub sides: [Vec<Rank>; 2],
    /// Accounts with a position that are in no order, because nobody can say what they are worth.
    pub unknown: Vec<usize>,
}

/// One position of an account.
#[derive(Clone, Copy, Debug)]
struct Open {
    instrument: InstrumentId,
    lots: i128,
    entry: u128,
    /// What it is worth (10^-18 of the currency), without a sign.
    worth: u128,
}

/// Everything about the accounts of one market.
struct Floor<'b> {
    market: &'b dyn Market,
    /// What each account is worth, where that is known, and its positions.
    accounts: BTreeMap<usize, (i128, Vec<Open>)>,
    unknown: Vec<usize>,
    beyond: Vec<usize>,
    marks: BTreeMap<InstrumentId, u128>,
}

/// The waterfall of a book under rules, at the book's own time.
#[must_use]
pub fn ruin(book: &Book, rules: &Rules) -> Ruin {
    let mut ruin = Ruin { funds: rules.funds.iter().map(|fund| fund.amount).collect(), ..Ruin::default() };
    for (place, listed) in book.markets.iter().enumerate() {
        let Some(mut floor) = Floor::of(book, place) else { continue };
        let last = rules
            .last
            .iter()
            .find(|(name, _)| *name == listed.name)
            .map_or(Last::default(), |(_, last)| *last);
        let mut fallen: Vec<usize> =
            floor.accounts.iter().filter(|(_, (value, _))| *value < 0).map(|(at, _)| *at).collect();
        fallen.sort_unstable();
        for account in fallen {
            match floor.end(account, &listed.name, rules, last, &mut ruin.funds) {
                Some(ended) => ruin.ruined.push(ended),
                None => floor.beyond.push(account),
            }
        }
        ruin.unknown.append(&mut floor.unknown);
        ruin.beyond.append(&mut floor.beyond);
    }
    ruin.ruined.sort_by_key(|ended| ended.account);
    ruin.unknown.sort_unstable();
    ruin.beyond.sort_unstable();
    ruin
}

/// Who would be closed in which order, for every contract of which somebody has a position.
#[must_use]
pub fn queues(book: &Book) -> Vec<Queue> {
    let mut all = Vec::new();
    for place in 0..book.markets.len() {
        let Some(floor) = Floor::of(book, place) else { continue };
        for (id, spec) in (0..).map(InstrumentId).zip(floor.market.instruments()) {
            let Some(traded) = floor.market.traded(id) else { continue };
            let listed = book.accounts.iter().enumerate().filter(|(_, listed)| listed.market == place);
            let unknown: Vec<usize> = listed
                .filter(|(at, listed)| {
                    !listed.account.quantity(id).is_zero() && !floor.accounts.contains_key(at)
                })
                .map(|(at, _)| at)
                .collect();
            let mark = floor.marks.get(&id).copied();
            let others = floor.others(id, None);
            if others.is_empty() && unknown.is_empty() {
                continue;
            }
            let side = |bankrupt: i128| {
                let mut ranks: Vec<Rank> = Vec::new();
                let Some(mark) = mark else { return ranks };
                let mut side: Vec<Counterparty> =
                    others.iter().filter(|other| other.lots.signum() == -bankrupt).copied().collect();
                side.sort_unstable_by(|one, other| one.order(other, mark));
                for one in &side {
                    let before = lots_before(one.account, bankrupt, mark, &others).unwrap_or(u128::MAX);
                    let (account, lots) = (one.account as usize, one.lots);
                    ranks.push(Rank { account, lots, before, entry: one.entry, value: one.value });
                }
                ranks
            };
            all.push(Queue {
                market: place,
                contract: spec.name.clone(),
                lot: (traded.lot, spec.decimals),
                mark,
                sides: [side(-1), side(1)],
                unknown,
            });
        }
    }
    all
}

impl<'b> Floor<'b> {
    /// A market with derivatives, `None` of all others. Where it cannot be asked, everybody in it is unknown.
    fn of(book: &'b Book, place: usize) -> Option<Floor<'b>> {
        let listed = &book.markets[place];
        let market = &*listed.market;
        let derivatives: Vec<InstrumentId> = (0..)
            .map(InstrumentId)
            .zip(market.instruments())
            .filter(|(id, _)| market.traded(*id).is_some())
            .map(|(id, _)| id)
            .collect();
        if derivatives.is_empty() {
            return None;
        }
        let readings = book.readings(listed, &book.graph.quotes(book.at));
        let mut floor = Floor {
            market,
            accounts: BTreeMap::new(),
            unknown: Vec::new(),
            beyond: Vec::new(),
            marks: BTreeMap::new(),
        };
        let everybody = book.accounts.iter().enumerate().filter(|(_, one)| one.market == place);
        let Ok(standing) = Standing::new(market, &readings, Lens::Action, book.at) else {
            floor.unknown = everybody.map(|(at, _)| at).collect();
            return Some(floor);
        };
        let quoted = standing.quoted();
        for id in derivatives {
            let mark = quoted.mark(id, Rounding::Down).ok().flatten();
            let mark = mark.and_then(|(price, digits)| scaled(price, digits)?.to_u256()?.to_u128());
            floor.marks.extend(mark.map(|mark| (id, mark)));
        }
        for (at, one) in everybody {
            match standing.judge(&one.account, Test::Liquidation).certainty {
                Certainty::Certain => {}
                // Who owes nothing is worth something, however little is known of it.
                Certainty::NoDebt => continue,
                // A doubtful price touches the account: what it is worth is not known, whatever it is healthy at.
                _ => {
                    floor.unknown.push(at);
                    continue;
                }
            }
            match floor.read(quoted, &one.account) {
                Ok(Some(seen)) => {
                    floor.accounts.insert(at, seen);
                }
                Ok(None) => floor.beyond.push(at),
                Err(_) => floor.unknown.push(at),
            }
        }
        Some(floor)
    }

    /// What an account is worth, rounded down, and its positions; `None` inside where a number does not fit.
    fn read(&self, quoted: &dyn Quoted, account: &Account) -> Result<Option<(i128, Vec<Open>)>, Refusal> {
        let unit = quoted.verdict(account, Test::Liquidation)?.unit.decimals;
        let (mut sum, mut open) = (Some(Int::ZERO), Vec::new());
        let mut fits = true;
        for held in account.holdings() {
            let Some(spec) = self.market.instruments().get(held.instrument.index()) else { continue };
            if held.quantity.is_zero() {
                continue;
            }
            let balance = quoted.balance(account, held.instrument)?;
            let missing = Refusal::PriceUnknown { slot: 0, why: plimsoll_core::Why::Missing };
            let value = Int::from(balance.value.ok_or(missing)?);
            let owes = spec.kind == Kind::Debt || held.quantity.is_negative();
            sum = sum.and_then(|sum| if owes { sum.sub(value) } else { sum.add(value) });
            if let Some(traded) = self.market.traded(held.instrument) {
                match self.open(account, held.instrument, traded, value, unit) {
                    Some(one) => open.push(one),
                    None => fits = false,
                }
            }
        }
        let worth = sum.and_then(|sum| small(floored(sum, unit)?));
        Ok(worth.filter(|_| fits).map(|worth| (worth, open)))
    }

    fn open(
        &self,
        account: &Account,
        instrument: InstrumentId,
        traded: Traded,
        value: Int,
        unit: u8,
    ) -> Option<Open> {
        let base = account.quantity(instrument);
        let size = base.magnitude().div(traded.lot, Rounding::Up)?.to_u128()?;
        let lots = i128::try_from(size).ok()?;
        let (quote, mark) = (account.quantity(traded.quote), self.marks.get(&instrument).copied());
        let decimals = |id: InstrumentId| self.market.instruments().get(id.index()).map(|spec| spec.decimals);
        // |quote| / |base|, in 10^-18 of what it settles in.
        let entry = match quote.is_negative() == base.is_negative() || quote.is_zero() {
            true if quote.is_zero() => mark?,
            // More was received for it than was paid: any price would do.
            true => 1,
            false => {
                let scale = U256::pow10(DIGITS + decimals(instrument)? - decimals(traded.quote)?)?;
                quote.magnitude().mul_div_wide(scale, base.magnitude(), Rounding::Down)?.to_u128()?.max(1)
            }
        };
        let worth = floored(value, unit)?.to_u256()?.to_u128()?;
        Some(Open {
            instrument,
            lots: if base.is_negative() { -lots } else { lots },
            entry: entry.max(1),
            worth,
        })
    }

    /// Whoever has a position in a contract and is worth something, but for one account.
    fn others(&self, instrument: InstrumentId, but: Option<usize>) -> Vec<Counterparty> {
        let all = self.accounts.iter().filter(|(at, (value, _))| Some(**at) != but && *value > 0);
        let of = |(at, (value, open)): (&usize, &(i128, Vec<Open>))| {
            let one = open.iter().find(|one| one.instrument == instrument && one.lots != 0)?;
            Some(Counterparty { account: *at as u64, lots: one.lots, entry: one.entry, value: *value })
        };
        all.filter_map(of).collect()
    }

    /// What somebody bears is taken off what he is worth, and lots off his position.
    fn takes(&mut self, instrument: InstrumentId, share: Share) -> Option<()> {
        let (value, open) = self.accounts.get_mut(&share.account)?;
        *value = value.checked_sub(i128::try_from(share.amount).ok()?)?;
        let one = open.iter_mut().find(|one| one.instrument == instrument)?;
        let lots = i128::try_from(share.lots).ok()?;
        one.lots = one.lots.checked_sub(lots * one.lots.signum())?;
        Some(())
    }

    /// One ruined account; `None` where a number does not fit.
    fn end(
        &mut self,
        account: usize,
        market: &str,
        rules: &Rules,
        last: Last,
        funds: &mut [u128],
    ) -> Option<Ruined> {
        let (value, open) = self.accounts.get(&account)?.clone();
        let loss = value.checked_neg()?.unsigned_abs();
        let name = |id: InstrumentId| self.market.instruments().get(id.index()).map(|spec| spec.name.clone());
        let names = open.iter().map(|one| name(one.instrument)).collect::<Option<Vec<_>>>()?;
        // The bucket's fund first, then those that all share.
        let own = rules.funds.iter().position(|fund| {
            fund.market == market
                && !fund.contracts.is_empty()
                && !names.is_empty()
                && names.iter().all(|name| fund.contracts.contains(name))
        });
        let shared: Vec<usize> = (0..rules.funds.len())
            .filter(|at| rules.funds[*at].market == market && rules.funds[*at].contracts.is_empty())
            .collect();
        let in_shared = shared.iter().try_fold(0_u128, |sum, at| sum.checked_add(funds[*at]))?;
        let borne = split(loss, 0, own.map_or(0, |at| funds[at]), in_shared);
        if let Some(at) = own {
            funds[at] -= borne.bucket;
        }
        let mut left = borne.shared;
        for at in shared {
            let taken = left.min(funds[at]);
            (funds[at], left) = (funds[at] - taken, left - taken);
        }
        let weights: Vec<i128> = match open.iter().any(|one| one.worth > 0) {
            true => open.iter().map(|one| i128::try_from(one.worth).ok()).collect::<Option<_>>()?,
            false => vec![1; open.len()],
        };
        let mut parts = [vec![0; open.len()], vec![0; open.len()]];
        if !open.is_empty() {
            socialise(loss, &weights, &mut parts[0])?;
            socialise(borne.others, &weights, &mut parts[1])?;
        }
        let mut endings = Vec::new();
        for (place, (one, contract)) in open.iter().zip(names).enumerate() {
            let loss = [parts[0][place], parts[1][place].min(parts[0][place])];
            let mut ending = Ending {
                contract,
                lots: one.lots,
                loss,
                bankruptcy: self.bankruptcy(one, loss[0]),
                shares: Vec::new(),
                left: parts[1][place],
            };
            self.bear(account, one, last, &mut ending)?;
            endings.push(ending);
        }
        let left = if open.is_empty() { borne.others } else { 0 };
        // Nothing of it is left.
        if let Some((value, open)) = self.accounts.get_mut(&account) {
            (*value, *open) = (0, Vec::new());
        }
        Some(Ruined { account, loss, borne, endings, left })
    }

    /// Who bears what funds do not of one position.
    fn bear(&mut self, account: usize, one: &Open, last: Last, ending: &mut Ending) -> Option<()> {
        let rest = ending.left;
        if rest == 0 {
            return Some(());
        }
        let mut others = self.others(one.instrument, Some(account));
        let shares = match last {
            Last::Deleverage => {
                let Some(mark) = self.marks.get(&one.instrument).copied() else { return Some(()) };
                // Lots whose part of the loss is what is not borne, a whole lot more where it is broken.
                let lots = U256::new(one.lots.unsigned_abs());
                let share = U256::new(ending.loss[0].max(1));
                let needed = lots.mul_div(U256::new(rest), share, Rounding::Up)?.to_u128()?;
                let needed = needed.min(one.lots.unsigned_abs());
                let mut closed = vec![0; others.len()];
                let signed = i128::try_from(needed).ok()? * one.lots.signum();
                let done = deleverage(signed, mark, &mut others, &mut closed)?;
                let weights =
                    closed.iter().map(|lots| i128::try_from(*lots).ok()).collect::<Option<Vec<_>>>()?;
                let borne = match done == needed {
                    true => rest,
                    false => U256::new(rest)
                        .mul_div(U256::new(done), U256::new(needed.max(1)), Rounding::Down)?
                        .to_u128()?,
                };
                shared(borne, &weights, &others, &closed)?
            }
            Last::Socialise => {
                let weights: Vec<i128> = others.iter().map(|other| other.lots).collect();
                shared(rest, &weights, &others, &vec![0; others.len()])?
            }
        };
        for share in shares {
            self.takes(one.instrument, share)?;
            ending.left = ending.left.checked_sub(share.amount)?;
            ending.shares.push(share);
        }
        Some(())
    }

    /// Mark and what is missing, by whole base.
    fn bankruptcy(&self, one: &Open, loss: u128) -> Option<u128> {
        let mark = *self.marks.get(&one.instrument)?;
        let traded = self.market.traded(one.instrument)?;
        let decimals = self.market.instruments().get(one.instrument.index())?.decimals;
        let base = U256::new(one.lots.unsigned_abs()).mul(traded.lot)?;
        let per = U256::new(loss).mul_div_wide(U256::pow10(decimals)?, base, Rounding::Up)?.to_u128()?;
        if one.lots < 0 { mark.checked_sub(per) } else { mark.checked_add(per) }
    }
}

/// Shares of a sum by weights; nothing where nobody has any.
fn shared(sum: u128, weights: &[i128], others: &[Counterparty], lots: &[u128]) -> Option<Vec<Share>> {
    if weights.iter().all(|weight| *weight == 0) {
        return Some(Vec::new());
    }
    let mut shares = vec![0; weights.len()];
    socialise(sum, weights, &mut shares)?;
    let all = others.iter().zip(lots).zip(shares);
    let of =
        all.map(|((other, lots), amount)| Share { account: other.account as usize, lots: *lots, amount });
    Some(of.filter(|share| share.amount > 0 || share.lots > 0).collect())
}

/// In 10^-18.
fn scaled(value: Int, decimals: u8) -> Option<Int> {
    value.mul(Int::from(U256::pow10(DIGITS.checked_sub(decimals)?)?))
}

/// In 10^-18, rounded down where it has more digits.
fn floored(value: Int, decimals: u8) -> Option<Int> {
    if decimals <= DIGITS {
        return scaled(value, decimals);
    }
    value.div(Int::from(U256::pow10(decimals - DIGITS)?), Rounding::Down)
}

fn small(value: Int) -> Option<i128> {
    let magnitude = i128::try_from(value.magnitude().to_u128()?).ok()?;
    Some(if value.is_negative() { -magnitude } else { magnitude })
}
