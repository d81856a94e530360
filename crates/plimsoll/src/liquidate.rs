//! What a keeper may take of an account now, and what is left of it for him.

use crate::ask::{Misasked, asset_of, called};
use crate::forced::{Forced, forced};
use crate::identity::{Identity, identity};
use crate::ratio::Ratio;
use crate::search;
use crate::survey::currency;
use crate::world::World;
use crate::worth::{PricedBy, Worth};
use plimsoll_core::{
    AccountId, Action, Amount, Book, Call, Decimal, Effects, InstrumentId, Int, Judgement, Kind, Lens,
    Liquidated, Lot, Market, Mechanism, Reading, Receive, Refusal, Rounding, Standing, Test, U256, Unit,
};

/// The answer about one account.
#[derive(Clone, Debug)]
pub struct Liquidate {
    /// What it was computed from.
    pub identity: Identity,
    /// The account's place in the book.
    pub account: usize,
    /// By the line of liquidation; unhealthy is not yet executable.
    pub judgement: Judgement,
    /// The currency of values, …
    pub currency: String,
    /// … and what their integers count.
    pub unit: Unit,
    /// What sending the call costs, taken off every profit.
    pub gas: Int,
    /// Every debt with every collateral, best first; those that cannot be executed last. None at venues that force in
    /// other ways.
    pub pairs: Vec<Pair>,
    /// The calls of such venues.
    pub forced: Vec<Forced>,
}

/// One debt repaid for one collateral.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The debt: instrument, asset, the asset's decimals.
    pub debt: Side,
    /// The collateral, likewise.
    pub collateral: Side,
    /// What is best to do, or why nothing can be.
    pub outcome: Result<Sale, Refusal>,
}

/// One side of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The instrument of the account.
    pub instrument: InstrumentId,
    /// The asset behind it.
    pub asset: String,
    /// What people call that: its reserve's name at a market that lists an asset more than once, else the asset's.
    pub name: String,
    /// The asset's decimals.
    pub decimals: u8,
}

fn side(market: &dyn Market, instrument: InstrumentId) -> Side {
    let (asset, decimals) = asset_of(market, instrument);
    Side { instrument, asset, name: called(market, instrument), decimals }
}

/// Every debt of which a liquidation writes something off, with how much (raw units of the asset), in the order in which the
/// venue does it.
#[must_use]
pub fn written_off(market: &dyn Market, does: &Liquidated) -> Vec<(Side, U256)> {
    let lost = does.bad_debt.iter().filter(|(_, raw)| *raw != U256::ZERO);
    lost.map(|(debt, raw)| (side(market, *debt), *raw)).collect()
}

/// A liquidation that the venue accepts.
#[derive(Clone, Debug)]
pub struct Sale {
    /// What to ask for.
    pub lot: Lot,
    /// In which form the collateral comes. Receipts only where the pool cannot pay the asset out, or may not.
    pub receive: Receive,
    /// What it does: repaid, seized with the venue's fee, fee, bad debt (raw). No other amount seizes more, and none
    /// seizes as much for less.
    pub does: Liquidated,
    /// Whether that no other amount seizes more is certain. It is not where the venue refuses the largest amounts by a limit that
    /// more may meet as well as less: then it is the largest of a grid that was made finer next to it.
    pub proven: bool,
    /// Value of what the keeper receives, rounded down.
    pub received: Int,
    /// Value of what he repays, rounded up.
    pub cost: Int,
    /// Received less cost less gas.
    pub profit: Int,
    /// How the collateral is priced.
    pub collateral_priced: PricedBy,
    /// How the debt is priced.
    pub debt_priced: PricedBy,
    /// The account's health afterwards; `None` where it owes nothing more.
    pub health_after: Option<Ratio>,
}

impl Sale {
    /// Whether it pays.
    #[must_use]
    pub fn pays(&self) -> bool {
        !self.profit.is_negative() && !self.profit.is_zero()
    }
}

/// Repayments up to so many raw units are tried one by one.
const COARSE: u16 = 256;

/// Into so many parts a stretch is cut to look for an amount that is accepted, …
const PARTS: u64 = 64;
/// … and a stretch next to one that is.
const FINER: u64 = 8;

/// A keeper who is no account of any book.
const KEEPER: AccountId = AccountId(u64::MAX);

/// What a keeper may take of an account at the book's own time.
///
/// Every amount went through the venue's own rules, so close factor, dust, bonus, fee, pauses and cash are in it. The
/// amount is the one that seizes most of what the venue accepts of a pair, since each unit earns the same bonus; of amounts that seize
/// the same the least is repaid. No other amount earns a raw unit of each asset more. Where the bonus does not cover
/// the prices of a sale, less is less of a loss and nothing is best: [`Sale::pays`].
///
/// # Errors
/// When the account's market cannot be asked, or gas has more digits than the market's currency.
pub fn liquidate(book: &Book, account: usize, gas: Decimal) -> Result<Liquidate, Misasked> {
    let world = World { book: book.clone() };
    let listed = &book.accounts[account];
    let named = &book.markets[listed.market];
    let market = &*named.market;
    let quotes = book.graph.quotes(book.at);
    let all: Vec<Vec<Reading>> = book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
    let readings = &all[listed.market];
    let standing = Standing::new(market, readings, Lens::Action, book.at);
    let standing = standing.map_err(|refusal| world.stands(listed.market, refusal))?;
    let judgement = standing.judge(&listed.account, Test::Liquidation);
    // The unit of values is that of the borrowing line: whole units of the currency, not finer ones.
    let unit =
        standing.quoted().verdict(&listed.account, Test::Borrow).map_or(Unit::NUMBER, |seen| seen.unit);
    let currency = currency(market);
    let gas = gas.scaled_amount(unit.decimals).map_err(|error| Misasked::NoAmount {
        asset: currency.clone(),
        found: gas,
        error,
    })?;
    let worth = Worth { book, listed: named, readings, decimals: unit.decimals };
    let forced = forced(&world, account, readings, &worth, gas.into());
    let asker = Asker { world: &world, account, readings };
    let seeker = Seeker { asker, worth, gas: gas.into() };
    let mut pairs = Vec::new();
    for debt in seeker.asker.held_of(Kind::Debt) {
        for collateral in seeker.asker.held_of(Kind::Receipt) {
            let outcome = seeker.best(&debt, &collateral);
            if matches!(outcome, Err(Refusal::NotAtThisVenue)) && !forced.is_empty() {
                continue;
            }
            pairs.push(Pair { debt: debt.clone(), collateral, outcome });
        }
    }
    pairs.sort_by_key(|pair| pair.outcome.as_ref().map_or((1, Int::ZERO), |sale| (0, sale.profit.neg())));
    let identity = identity(book, book.at, &all);
    Ok(Liquidate { identity, account, judgement, currency, unit, gas: gas.into(), pairs, forced })
}

/// Assets that a sale is valued at a market's price of ([`PricedBy::Market`], whose feed is named beside) which is the
/// same before and after changes, although the changes moved what the account's market reads of them. Nobody has said
/// what a sale would then fetch.
#[must_use]
pub fn unmoved(before: &Book, after: &Book, account: usize) -> Vec<(String, String)> {
    let market = after.accounts[account].market;
    let [then, now] = [before, after].map(|book| book.graph.quotes(book.at));
    let was = before.readings(&before.markets[market], &then);
    let is = after.readings(&after.markets[market], &now);
    let listed = &after.markets[market];
    let worth = Worth { book: after, listed, readings: &is, decimals: 0 };
    let slots = listed.market.slots().iter().zip(was.iter().zip(&is));
    let moved = slots.filter(|(_, (was, is))| was.value != is.value).map(|(slot, _)| &slot.asset);
    let same = |asset: &String| {
        let (_, PricedBy::Market(feed)) = worth.price(asset)? else { return None };
        let place = after.graph.find(&feed)?.0 as usize;
        let same = then.get(place).map(|quote| quote.value) == now.get(place).map(|quote| quote.value);
        same.then(|| (asset.clone(), feed))
    };
    moved.filter_map(same).collect()
}

/// What is asked of one market about one account.
pub(crate) struct Asker<'a> {
    pub(crate) world: &'a World,
    pub(crate) account: usize,
    pub(crate) readings: &'a [Reading],
}

/// The same, with what it is worth to a keeper.
struct Seeker<'a> {
    asker: Asker<'a>,
    worth: Worth<'a>,
    gas: Int,
}

/// A lot that is accepted.
#[derive(Clone)]
pub(crate) struct Accepted {
    lot: Lot,
    pub(crate) effects: Effects,
    pub(crate) does: Liquidated,
    proven: bool,
}

impl Asker<'_> {
    fn market(&self) -> usize {
        self.world.book.accounts[self.account].market
    }

    /// What the account has of a kind: the instruments, each with its asset.
    pub(crate) fn held_of(&self, kind: Kind) -> Vec<Side> {
        let listed = &self.world.book.accounts[self.account];
        let market = &*self.world.book.markets[listed.market].market;
        let holdings = listed.account.holdings().iter().map(|holding| holding.instrument);
        let of_kind =
            |id: &InstrumentId| market.instruments().get(id.index()).is_some_and(|i| i.kind == kind);
        holdings.filter(of_kind).map(|instrument| side(market, instrument)).collect()
    }

    /// What a lot of a pair would do.
    pub(crate) fn ask(
        &self,
        pair: [InstrumentId; 2],
        lot: Lot,
        receive: Receive,
    ) -> Result<Accepted, Refusal> {
        let [repay, seize] = pair;
        let action = Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive });
        let account = self.world.book.accounts[self.account].account.id;
        let call = Call { actor: KEEPER, account, at: self.world.book.at, action };
        let effects = self.world.call(self.market(), &call, self.readings)?;
        let does = effects.liquidated.clone().ok_or(Refusal::NotAtThisVenue)?;
        Ok(Accepted { lot, effects, does, proven: true })
    }

    /// The accepted lot of a pair that repays most, as assets where the pool can pay them out and nobody has stopped that.
    pub(crate) fn most(&self, debt: &Side, collateral: &Side) -> Result<(Accepted, Receive), Refusal> {
        let pair = [debt.instrument, collateral.instrument];
        let why = match self.largest(pair, Receive::Asset) {
            Ok(accepted) => return Ok((accepted, Receive::Asset)),
            Err(why) => why,
        };
        // Whatever else refuses the asset refuses the receipt as well.
        if !matches!(why, Refusal::InsufficientCash { .. } | Refusal::ActionPaused(_) | Refusal::Inactive(_))
        {
            return Err(why);
        }
        if let Ok(accepted) = self.largest(pair, Receive::Receipt) {
            return Ok((accepted, Receive::Receipt));
        }
        // Where receipts are refused too, what the pool can pay out is all that goes.
        let short = matches!(why, Refusal::InsufficientCash { .. });
        let less = if short { self.less(pair, Receive::Asset) } else { None };
        Ok((less.ok_or(why)?, Receive::Asset))
    }

    /// The accepted lot of a pair that repays most of what the pool can pay out.
    pub(crate) fn paid_out(&self, debt: &Side, collateral: &Side) -> Result<Accepted, Refusal> {
        let pair = [debt.instrument, collateral.instrument];
        self.largest(pair, Receive::Asset).or_else(|why| {
            let short = matches!(why, Refusal::InsufficientCash { .. });
            let less = if short { self.less(pair, Receive::Asset) } else { None };
            less.ok_or(why)
        })
    }

    /// The accepted lot that repays most.
    fn largest(&self, pair: [InstrumentId; 2], receive: Receive) -> Result<Accepted, Refusal> {
        let ask = |lot| self.ask(pair, lot, receive);
        let whole = ask(Lot::Repay(Amount::All));
        let held = self.balance(pair[1]);
        let emptied = held.map_or(Err(Refusal::NotAtThisVenue), |held| ask(Lot::Seize(held)));
        let (whole, emptied) = match (whole, emptied) {
            (Ok(whole), Ok(emptied)) => {
                return Ok(if emptied.does.repaid > whole.does.repaid { emptied } else { whole });
            }
            (Ok(accepted), Err(_)) | (Err(_), Ok(accepted)) => return Ok(accepted),
            (Err(whole), Err(emptied)) => (whole, emptied),
        };
        let why = if whole == Refusal::NotAtThisVenue { emptied } else { whole };
        if search::either_way(&why) {
            return self.found(pair, receive).ok_or(why);
        }
        // Nothing whole goes, but less may: dust that would be left, rounding, cash.
        let less = matches!(
            why,
            Refusal::LeavesDust | Refusal::AmountTooLarge { .. } | Refusal::InsufficientCash { .. }
        );
        if !less || (receive == Receive::Asset && matches!(why, Refusal::InsufficientCash { .. })) {
            return Err(why);
        }
        self.less(pair, receive).ok_or(why)
    }

    /// The accepted lot that repays most, where nothing whole is accepted.
    fn less(&self, pair: [InstrumentId; 2], receive: Receive) -> Option<Accepted> {
        let ask = |lot| self.ask(pair, lot, receive);
        let repay = search::largest(|amount| ask(Lot::Repay(Amount::Assets(amount))));
        if repay.because.as_ref().is_some_and(search::either_way) {
            return self.found(pair, receive);
        }
        let seize = search::largest(|amount| ask(Lot::Seize(amount)));
        let found = [repay.accepted, seize.accepted].into_iter().flatten().map(|(_, accepted)| accepted);
        found.max_by_key(|accepted| accepted.does.repaid)
    }

    /// The largest of a grid of repayments that is accepted, where neither more nor less need be.
    fn found(&self, pair: [InstrumentId; 2], receive: Receive) -> Option<Accepted> {
        let (mut low, mut high, mut parts) = (U256::ZERO, self.balance(pair[0])?, PARTS);
        let mut best = None;
        while let Some(gap) = high.sub(low).filter(|gap| *gap > U256::ONE) {
            let step = gap.div(U256::from(parts), Rounding::Up)?;
            let mut next = low;
            let mut asked = high.sub(step);
            while let Some(amount) = asked.filter(|amount| *amount > low) {
                if let Ok(accepted) = self.ask(pair, Lot::Repay(Amount::Assets(amount)), receive) {
                    (best, next) = (Some(Accepted { proven: false, ..accepted }), amount);
                    break;
                }
                (high, asked) = (amount, amount.sub(step));
            }
            // Nothing was accepted between, so that what is next to `low` is looked at more closely.
            (low, parts) = (next, FINER);
        }
        best
    }

    fn balance(&self, instrument: InstrumentId) -> Option<U256> {
        let listed = &self.world.book.accounts[self.account];
        let market = &*self.world.book.markets[listed.market].market;
        let feeds = plimsoll_core::Feeds { readings: self.readings };
        let quoted = market.at(feeds, Lens::Action, self.world.book.at).ok()?;
        quoted.balance(&listed.account, instrument).ok().map(|balance| balance.raw)
    }
}

impl Seeker<'_> {
    /// The best of a pair.
    fn best(&self, debt: &Side, collateral: &Side) -> Result<Sale, Refusal> {
        let (accepted, receive) = self.asker.most(debt, collateral)?;
        let pair = [debt.instrument, collateral.instrument];
        let thrifty = self.thrifty(pair, accepted, receive);
        self.sale(debt, collateral, thrifty, receive)
    }

    /// The same collateral for the least repayment.
    fn thrifty(&self, pair: [InstrumentId; 2], most: Accepted, receive: Receive) -> Accepted {
        let Liquidated { seized, repaid, .. } = most.does;
        let proven = most.proven;
        let as_much = |lot| self.asker.ask(pair, lot, receive).ok().filter(|it| it.does.seized >= seized);
        let mut best = most;
        let mut take = |it: Accepted| {
            if it.does.repaid < best.does.repaid {
                best = it;
            }
        };
        as_much(Lot::Seize(seized)).into_iter().for_each(&mut take);
        let (mut no, mut yes) = (U256::ZERO, repaid);
        if as_much(Lot::Repay(Amount::Assets(repaid))).is_some() {
            while let Some(gap) = yes.sub(no).filter(|gap| *gap > U256::ONE) {
                let middle = no.add(gap.half()).unwrap_or(yes);
                match as_much(Lot::Repay(Amount::Assets(middle))) {
                    Some(it) => {
                        take(it);
                        yes = middle;
                    }
                    None => no = middle,
                }
            }
        }
        // Halving passes over what is accepted beyond a hole, such as that of dust; only tokens so coarse that a few
        // units decide have one that matters.
        for few in 1..=COARSE {
            let amount = U256::new(few.into());
            if amount >= best.does.repaid {
                break;
            }
            if let Some(it) = as_much(Lot::Repay(Amount::Assets(amount))) {
                return Accepted { proven, ..it };
            }
        }
        Accepted { proven, ..best }
    }

    fn sale(
        &self,
        debt: &Side,
        collateral: &Side,
        accepted: Accepted,
        receive: Receive,
    ) -> Result<Sale, Refusal> {
        let Accepted { lot, effects, does, proven } = accepted;
        let priced = |asset: &str| {
            let missing = Refusal::PriceUnknown { slot: 0, why: plimsoll_core::Why::Missing };
            self.worth.price(asset).ok_or(missing)
        };
        let value = |side: &Side, raw: U256, price: Decimal, rounding: Rounding| {
            let value = self.worth.value(&side.asset, raw, price, rounding);
            value.map(Int::from).ok_or(Refusal::Overflow("value = amount x price"))
        };
        let (sold, collateral_priced) = priced(&collateral.asset)?;
        let (bought, debt_priced) = priced(&debt.asset)?;
        let taken = does.seized.sub_or_zero(does.fee);
        let received = value(collateral, taken, sold, Rounding::Down)?;
        let cost = value(debt, does.repaid, bought, Rounding::Up)?;
        let profit = received.sub(cost).and_then(|gain| gain.sub(self.gas));
        let profit = profit.ok_or(Refusal::Overflow("profit = received - cost - gas"))?;
        let Asker { world, account, readings } = &self.asker;
        let health_after = world.health_after(*account, &effects, readings)?;
        Ok(Sale {
            lot,
            receive,
            does,
            proven,
            received,
            cost,
            profit,
            collateral_priced,
            debt_priced,
            health_after,
        })
    }
}
