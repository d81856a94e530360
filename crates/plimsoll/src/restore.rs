//! The smallest deposit or repayment that brings an account's health back to where it shall be.

use crate::ask::{Misasked, asset_of, called};
use crate::bounds::{self, Target};
use crate::identity::{Identity, identity};
use crate::ratio::Ratio;
use crate::search::{self, Amounts, Unfound, either_way};
use plimsoll_core::{
    Account, Accounts, Action, Amount, Assessment, Book, Call, Decimal, Feeds, InstrumentId, Int, Judgement,
    Kind, Lens, Market, Party, Reading, Refusal, Silent, Standing, Test, Time, U256, Verdict,
};

/// The answer about one account.
#[derive(Clone, Debug)]
pub struct Restore {
    /// What it was computed from.
    pub identity: Identity,
    /// The account's place in the book.
    pub account: usize,
    /// By the line of liquidation, as it stands.
    pub judgement: Judgement,
    /// Backing over requirement as it stands; `None` where nothing is owed.
    pub health: Option<Ratio>,
    /// The health to be reached.
    pub target: Decimal,
    /// When it shall be reached: the book's own time, …
    pub now: Time,
    /// … and the time by which it shall hold.
    pub by: Time,
    /// One deposit that will do, for each asset that can be put in, where that is not a repayment by another name.
    pub deposits: Vec<Way>,
    /// One repayment that will do, for each debt.
    pub repayments: Vec<Way>,
}

/// What one asset can do.
#[derive(Clone, Debug)]
pub struct Way {
    /// What is received for the deposit, or the debt that is repaid.
    pub instrument: InstrumentId,
    /// The asset.
    pub asset: String,
    /// What people call it: its reserve's name at a market that lists an asset more than once, else the asset's.
    pub name: String,
    /// Its decimals.
    pub decimals: u8,
    /// The smallest amount that reaches the health now.
    pub now: Result<Enough, Hindrance>,
    /// The smallest amount that reaches it now, and still does whether it is done, or looked at, only by the time given.
    pub by: Result<Enough, Hindrance>,
    /// Of a repayment: the other accounts of the same owner in this market that hold the asset itself, and how much (raw).
    pub own: Vec<(usize, U256)>,
}

/// An amount that will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enough {
    /// The amount (raw units of the asset); zero where nothing is needed.
    pub amount: U256,
    /// Only "all" will do, which comes to so much now: an amount cannot name it, as interest moves it.
    pub all: bool,
    /// No smaller amount than this will do. Equal to the amount unless the search had to be given up.
    pub no_less_than: U256,
    /// The health that it brings about at the last time asked about; `None` where nothing is owed any more.
    pub health: Option<Ratio>,
}

/// Why no amount will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// The venue takes no more than so much (raw), for this reason; that is too little.
    Refused {
        /// The most that it takes.
        most: U256,
        /// Why not more, or nothing at all.
        refusal: Refusal,
    },
    /// A deposit of it does not count as this account's collateral.
    NotCounted,
    /// All of the debt is too little: the health would be this.
    NotEnough {
        /// Backing over requirement after all of it is repaid.
        health: Option<Ratio>,
    },
}

/// The smallest deposit of each asset, and the smallest repayment of each debt, after which backing over requirement
/// is at least `target`, by the two integers that the venue compares; nothing owed reaches every target.
///
/// Each amount went through the venue's own action and was assessed after it. That no smaller amount will do is proven
/// with [`plimsoll_core::Quoted::over`], also where health is a sawtooth in the amount; where that search had to be
/// given up, [`Enough::no_less_than`] says how far it came. The second amount holds for `seconds` from the book's own
/// time on: at the prices that the venue would use now, with interest.
///
/// # Errors
/// When the account's market cannot be asked at one of the times, or the target is not above zero.
pub fn restore(book: &Book, account: usize, target: Decimal, seconds: u64) -> Result<Restore, Misasked> {
    let aim = Target::of(target).ok_or(Misasked::NoTarget { found: target })?;
    let listed = &book.accounts[account];
    let named = &book.markets[listed.market];
    let market = &*named.market;
    let stands = |refusal| Misasked::Stands { market: named.name.clone(), refusal };
    let by = book.at.0.checked_add(seconds).map(Time);
    let by = by.ok_or(Refusal::Overflow("time + seconds")).map_err(stands)?;
    let quotes = book.graph.quotes(book.at);
    let all: Vec<Vec<Reading>> = book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
    let stand = |at| Standing::new(market, &all[listed.market], Lens::Action, at).map_err(stands);
    let judgement = stand(book.at)?.judge(&listed.account, Test::Liquidation);
    stand(by)?;
    let readings = bounds::points(&all[listed.market]);
    let payer = Payer { market, accounts: book, account: &listed.account, readings: &readings, at: book.at };
    let ways = |kind: Kind| {
        let instruments = (0..).zip(market.instruments()).filter(|(_, i)| i.kind == kind);
        let held = |id: InstrumentId| kind == Kind::Receipt || !listed.account.quantity(id).is_zero();
        let ids = instruments.map(|(id, _)| InstrumentId(id)).filter(|id| held(*id));
        let seekers = ids.map(|instrument| Seeker { payer, aim, instrument, kind });
        seekers.filter(|seeker| !seeker.is_none_of_it()).map(|seeker| seeker.way(book.at, by)).collect()
    };
    let mut repayments: Vec<Way> = ways(Kind::Debt);
    for way in &mut repayments {
        way.own = owned(book, account, &way.asset);
    }
    let mut deposits: Vec<Way> = ways(Kind::Receipt);
    // At a venue with one balance for claim and debt a deposit of what is owed is the repayment: told once.
    let asker = |instrument, kind| Seeker { payer, aim, instrument, kind };
    deposits.retain(|deposit| {
        let puts = asker(deposit.instrument, Kind::Receipt);
        !repayments.iter().any(|repayment| puts.is_the_call_of(&asker(repayment.instrument, Kind::Debt)))
    });
    Ok(Restore {
        identity: identity(book, book.at, &all),
        account,
        health: judgement.own.ok().and_then(|seen| health(&seen)),
        judgement,
        target,
        now: book.at,
        by,
        deposits,
        repayments,
    })
}

/// The smallest deposit or repayment of one instrument after which an account has a health, at the book's own time.
pub(crate) fn least(
    book: &Book,
    account: usize,
    readings: &[Reading],
    target: Decimal,
    instrument: InstrumentId,
    kind: Kind,
) -> Result<Enough, Hindrance> {
    let aim = Target::of(target).ok_or(Hindrance::NotCounted)?;
    let listed = &book.accounts[account];
    let market = &*book.markets[listed.market].market;
    Payer { market, accounts: book, account: &listed.account, readings, at: book.at }
        .least(aim, instrument, kind)
}

/// An account as it stands in a market, and whoever pays for it.
#[derive(Clone, Copy)]
pub(crate) struct Payer<'a> {
    pub(crate) market: &'a dyn Market,
    pub(crate) accounts: &'a dyn Accounts,
    pub(crate) account: &'a Account,
    pub(crate) readings: &'a [Reading],
    pub(crate) at: Time,
}

impl Payer<'_> {
    /// The smallest deposit or repayment of one instrument after which the account has a health, at once.
    pub(crate) fn least(
        self,
        aim: Target,
        instrument: InstrumentId,
        kind: Kind,
    ) -> Result<Enough, Hindrance> {
        let moment = Moment { done: self.at, seen: self.at };
        let seeker = Seeker { payer: self, aim, instrument, kind };
        At { seeker, moments: vec![moment] }.least(U256::ZERO)
    }
}

/// What an account's owner holds of an asset in other accounts of its market.
fn owned(book: &Book, account: usize, asset: &str) -> Vec<(usize, U256)> {
    let own = &book.accounts[account];
    let instruments = book.markets[own.market].market.instruments();
    let is_it = |id: InstrumentId| {
        instruments.get(id.index()).is_some_and(|spec| spec.kind == Kind::Asset && spec.asset == asset)
    };
    let others = (0..)
        .zip(&book.accounts)
        .filter(|(at, other)| *at != account && other.market == own.market && other.owner == own.owner);
    let held = others.flat_map(|(at, other)| {
        let holdings = other.account.holdings().iter().filter(|held| is_it(held.instrument));
        holdings.filter_map(move |held| Some((at, held.quantity.to_u256()?)))
    });
    held.filter(|(_, raw)| *raw != U256::ZERO).collect()
}

fn health(seen: &Assessment) -> Option<Ratio> {
    if seen.verdict == Verdict::NoDebt { None } else { Ratio::of(seen.backing, seen.requirement) }
}

/// When it is done, and when it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    done: Time,
    seen: Time,
}

/// Whether a venue refuses because the account would still be below the line: more of it may be accepted.
const fn below_the_line(why: &Refusal) -> bool {
    matches!(why, Refusal::BelowMcr { .. } | Refusal::BelowBatchMcr { .. })
}

/// What an amount comes to.
enum Said {
    Enough,
    TooLittle,
    Refused(Refusal),
}

/// One asset put in, or one debt paid.
#[derive(Clone, Copy)]
struct Seeker<'a> {
    payer: Payer<'a>,
    aim: Target,
    instrument: InstrumentId,
    kind: Kind,
}

/// The same at certain moments.
struct At<'a> {
    seeker: Seeker<'a>,
    moments: Vec<Moment>,
}

impl<'a> Seeker<'a> {
    fn market(&self) -> &'a dyn Market {
        self.payer.market
    }

    /// A copy of the market in which whoever pays has enough: what it takes is asked here, not whether it is there.
    fn endowed(&self) -> Box<dyn Market> {
        self.market().endowed().unwrap_or_else(|| self.market().boxed_clone())
    }

    fn feeds(&self) -> Feeds<'a> {
        Feeds { readings: self.payer.readings }
    }

    fn way(self, now: Time, by: Time) -> Way {
        let (asset, decimals) = asset_of(self.market(), self.instrument);
        let at_once = At { seeker: self, moments: vec![Moment { done: now, seen: now }] };
        let found = at_once.least(U256::ZERO);
        let moments = [(now, now), (by, by), (now, by)].map(|(done, seen)| Moment { done, seen });
        let until = At { seeker: self, moments: moments.into() };
        // What holds until then reaches it now as well: nothing below the first answer will do.
        let later = found.and_then(|found| until.least(found.no_less_than));
        let own = Vec::new();
        let name = called(self.market(), self.instrument);
        Way { instrument: self.instrument, asset, name, decimals, now: found, by: later, own }
    }

    /// Whether the instrument has no place in such an account at all: another branch's collateral, a pool's deposit, another
    /// spoke's reserve.
    fn is_none_of_it(&self) -> bool {
        let refused = self.after(Amount::Assets(U256::ONE), self.payer.at).err();
        refused.is_some_and(|refusal| {
            matches!(
                refusal,
                Refusal::NoSuchInstrument(_)
                    | Refusal::NotAtThisVenue
                    | Refusal::InconsistentAccount(_)
                    | Refusal::AnotherAccount(_)
            )
        })
    }

    /// Whether a deposit and a repayment are one call, by what a unit of each does.
    fn is_the_call_of(&self, other: &Seeker<'_>) -> bool {
        let account = self.payer.account;
        let market = self.endowed();
        let does = |seeker: &Seeker<'_>| {
            let action = seeker.action(Amount::Assets(U256::ONE));
            let call = Call { actor: account.id, account: account.id, at: self.payer.at, action };
            market.act(&call, self.payer.accounts, self.feeds(), &mut Silent).ok()
        };
        does(self).is_some_and(|effects| does(other) == Some(effects))
    }

    fn action(&self, amount: Amount) -> Action {
        match self.kind {
            Kind::Debt => Action::Repay { debt: self.instrument, amount },
            _ => Action::Deposit { into: self.instrument, amount },
        }
    }

    /// The market and the account after the action, and what the wallet paid.
    fn after(&self, amount: Amount, at: Time) -> Result<(Box<dyn Market>, Account, U256), Refusal> {
        let account = self.payer.account;
        let call = Call { actor: account.id, account: account.id, at, action: self.action(amount) };
        let mut market = self.endowed();
        let effects = market.act(&call, self.payer.accounts, self.feeds(), &mut Silent)?;
        market.apply(&effects)?;
        let after = effects.apply_to(account).ok_or(Refusal::Overflow("held + received"))?;
        let wallet = Party::Wallet(account.id);
        let paid = effects.flows.iter().filter(|flow| flow.from == wallet).map(|flow| flow.amount);
        Ok((market, after, crate::ask::total(paid, "paid")?))
    }

    /// Whether it is proven that the venue takes no amount between two.
    fn refused_between(&self, amounts: [U256; 2], at: Time) -> bool {
        let account = self.payer.account.id;
        let [low, high] = amounts.map(|amount| {
            let action = self.action(Amount::Assets(amount));
            Call { actor: account, account, at, action }
        });
        self.market().refuses_between([&low, &high], self.payer.accounts, self.feeds())
    }

    fn seen(&self, amount: Amount, moment: Moment) -> Result<Assessment, Refusal> {
        let (market, account, _) = self.after(amount, moment.done)?;
        market.at(self.feeds(), Lens::Action, moment.seen)?.verdict(&account, Test::Liquidation)
    }

    /// The account as it stands.
    fn standing(&self, at: Time) -> Result<Assessment, Refusal> {
        let account = self.payer.account;
        self.market().at(self.feeds(), Lens::Action, at)?.verdict(account, Test::Liquidation)
    }
}

impl At<'_> {
    fn say(&self, amount: Amount) -> Said {
        let mut said = Said::Enough;
        for &moment in &self.moments {
            match self.seeker.seen(amount, moment) {
                Ok(seen) if self.seeker.aim.reached(&seen) => {}
                Ok(_) | Err(Refusal::AmountZero | Refusal::NoShares) => said = Said::TooLittle,
                Err(why) if below_the_line(&why) => said = Said::TooLittle,
                Err(why) => return Said::Refused(why),
            }
        }
        said
    }

    /// The smallest amount from `from` on.
    fn least(&self, from: U256) -> Result<Enough, Hindrance> {
        let seeker = &self.seeker;
        let reached = |at| seeker.standing(at).map(|seen| seeker.aim.reached(&seen));
        let refused = |refusal| Hindrance::Refused { most: U256::ZERO, refusal };
        let mut nothing_needed = true;
        for moment in &self.moments {
            nothing_needed &= reached(moment.seen).map_err(refused)?;
        }
        if nothing_needed {
            let seen = self.moments.last().and_then(|moment| seeker.standing(moment.seen).ok());
            let health = seen.and_then(|seen| health(&seen));
            return Ok(Enough { amount: U256::ZERO, all: false, no_less_than: U256::ZERO, health });
        }
        let whole = if seeker.kind == Kind::Debt { self.whole()? } else { None };
        let (low, high) = (from.max(U256::ONE), self.upper(from));
        let found = match &high {
            Upper::Enough(high) => search::first(self, low, (*high).max(low)),
            Upper::Refused { most, .. } => search::first(self, low, *most),
        };
        match (found, whole, high) {
            (Ok(found), _, _) => {
                let health = self.health(Amount::Assets(found.amount));
                Ok(Enough { amount: found.amount, all: false, no_less_than: found.proven, health })
            }
            (Err(Unfound::Nothing), Some(all), _) => Ok(all),
            (Err(Unfound::GivenUp { proven }), Some(all), _) => Ok(Enough { no_less_than: proven, ..all }),
            (Err(_), None, Upper::Refused { most, refusal }) => Err(self.hindrance(most, refusal)),
            // What was enough was found to be so by `say`; the search asks the same.
            (Err(_), None, Upper::Enough(high)) => {
                let health = self.health(Amount::Assets(high));
                Ok(Enough { amount: high, all: false, no_less_than: low, health })
            }
        }
    }

    /// All of a debt: whether that will do.
    fn whole(&self) -> Result<Option<Enough>, Hindrance> {
        match self.say(Amount::All) {
            Said::Enough => {
                let paid = self.moments.first().map(|moment| self.seeker.after(Amount::All, moment.done));
                let amount = paid.and_then(Result::ok).map_or(U256::ZERO, |(_, _, paid)| paid);
                let health = self.health(Amount::All);
                Ok(Some(Enough { amount, all: true, no_less_than: amount, health }))
            }
            Said::TooLittle => Err(Hindrance::NotEnough { health: self.health(Amount::All) }),
            Said::Refused(refusal) if either_way(&refusal) => Ok(None),
            Said::Refused(refusal) => Err(Hindrance::Refused { most: U256::ZERO, refusal }),
        }
    }

    /// The health at the last moment.
    fn health(&self, amount: Amount) -> Option<Ratio> {
        let seen = self.moments.last().map(|moment| self.seeker.seen(amount, *moment))?;
        seen.ok().and_then(|seen| health(&seen))
    }

    /// Some amount that is enough, or the most that the venue takes: doubles, then halves the gap. What may be refused for being
    /// too little is passed over until something is taken.
    fn upper(&self, from: U256) -> Upper {
        let (mut small, mut large, mut most) = (U256::ZERO, U256::MAX, U256::ZERO);
        let mut because = Refusal::AmountZero;
        let mut asked = from.max(U256::ONE);
        loop {
            match self.say(Amount::Assets(asked)) {
                Said::Enough => return Upper::Enough(asked),
                Said::TooLittle => (small, most) = (asked, asked),
                Said::Refused(why) if either_way(&why) && most == U256::ZERO => {
                    because = why;
                    small = asked;
                }
                Said::Refused(why) => {
                    because = why;
                    large = asked;
                }
            }
            let gap = large.sub_or_zero(small);
            let next = if large == U256::MAX { asked.add(asked) } else { small.add(gap.half()) };
            match next.filter(|_| gap > U256::ONE && !self.idle(small)) {
                Some(next) => asked = next,
                None => return Upper::Refused { most, refusal: because },
            }
        }
    }

    /// Whether a deposit that is worth more than is needed does not count, or one that has no price. That it leaves backing as
    /// it was proves nothing: an average that is cut may hide the first units of one that does.
    fn idle(&self, amount: U256) -> bool {
        let Some(moment) = self.moments.first().filter(|_| self.seeker.kind != Kind::Debt) else {
            return false;
        };
        let instrument = self.seeker.instrument;
        let worth = |market: &dyn Market, account: &Account| {
            let quoted = market.at(self.seeker.feeds(), Lens::Action, moment.seen).ok()?;
            let value = quoted.balance(account, instrument).ok()?.value;
            let counts = market.counting(account, instrument).ok()?.weight.is_some_and(|w| w != U256::ZERO);
            Some((value, counts, quoted.verdict(account, Test::Liquidation).ok()?))
        };
        let account = self.seeker.payer.account;
        let before = worth(self.seeker.market(), account);
        let after = self.seeker.after(Amount::Assets(amount), moment.done).ok();
        let after = after.and_then(|(market, account, _)| worth(&*market, &account));
        let (Some((had, _, before)), Some((has, counts, _))) = (before, after) else { return false };
        let enough = match (had, has) {
            (Some(had), Some(has)) => Int::from(has.sub_or_zero(had)) > before.requirement,
            // The account was judged without asking its price.
            _ => true,
        };
        enough && !counts
    }

    fn hindrance(&self, most: U256, refusal: Refusal) -> Hindrance {
        if most != U256::ZERO && self.idle(most) {
            return Hindrance::NotCounted;
        }
        Hindrance::Refused { most, refusal }
    }
}

enum Upper {
    Enough(U256),
    Refused { most: U256, refusal: Refusal },
}

impl Amounts for At<'_> {
    fn will_do(&self, amount: U256) -> bool {
        matches!(self.say(Amount::Assets(amount)), Said::Enough)
    }

    /// More put in or paid never leaves less of a holding, or more of a debt, and moves rates one way: the accounts after
    /// the amounts between lie between those at the ends, and so do the markets' indices later on.
    fn none_of(&self, low: U256, high: U256) -> bool {
        self.moments.iter().any(|moment| {
            if self.seeker.refused_between([low, high], moment.done) {
                return true;
            }
            let ends = [low, high].map(|amount| self.seeker.after(Amount::Assets(amount), moment.done));
            // What leaves the account below the venue's line does so with less of it, too.
            if ends[1].as_ref().is_err_and(below_the_line) {
                return true;
            }
            let [Ok((first, less, _)), Ok((last, more, _))] = ends else { return false };
            let [low, high] = bounds::around(&less, &more);
            // At the moment of the action no rate has moved an index yet, and what the highest amount leaves of a debt
            // is least in the market that it leaves.
            let first = if moment.done == moment.seen { &last } else { &first };
            let quoted =
                [first, &last].map(|market| market.at(self.seeker.feeds(), Lens::Action, moment.seen));
            let [Ok(first), Ok(last)] = quoted else { return false };
            self.seeker.aim.missed_between([&*first, &*last], [&low, &high], self.seeker.payer.readings)
        })
    }
}
