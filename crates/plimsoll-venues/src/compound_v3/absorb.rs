//! What happens to accounts below the line: `absorb`, and the sale of what it brought in (`buyCollateral`).

use super::act::{Toward, Turn, positive};
use super::casts::{INT256, UINT128};
use super::interest::{cast, grow, shrink};
use super::line::{Position, Price, known};
use super::standing::prices;
use super::{BASE, BASE_SLOT, DEBT, Market, PAUSE_ABSORB, PAUSE_BUY, VALUE, collateral, slot, token};
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{
    AccountId, Accounts, Action, Arithmetic, Call, Effects, Feeds, Int, Liquidated, Mechanism, Party,
    Refusal, Silent, Subject, Test, Trace, U256, Unit, WAD,
};

/// What an absorption seized of one asset (event `AbsorbCollateral`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seized {
    /// The asset's place in the market's list.
    pub asset: usize,
    /// How much (raw).
    pub amount: U256,
    /// Its full value (value units).
    pub value: U256,
}

/// What an absorption did to one account (events `AbsorbCollateral` and `AbsorbDebt`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absorbed {
    /// The account.
    pub account: AccountId,
    /// Everything that it had posted, in the market's order.
    pub seized: Vec<Seized>,
    /// What the reserves paid: all of its debt, and what it was credited beyond (raw).
    pub base_paid_out: U256,
    /// The value of that (value units).
    pub value_paid_out: U256,
    /// The part that the collateral, at its liquidation factors, did not cover (raw).
    pub shortfall: U256,
}

impl Market {
    /// [`plimsoll_core::Market::act`] of an absorption, with what it did to each account.
    ///
    /// # Errors
    /// As `act`; [`Refusal::NotAtThisVenue`] for another action.
    pub fn absorb(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
    ) -> Result<(Effects, Vec<Absorbed>), Refusal> {
        let Action::Liquidate(Mechanism::Absorb { accounts: named }) = &call.action else {
            return Err(Refusal::NotAtThisVenue);
        };
        let t = &mut Silent;
        let mut turn = Turn::new(self, call, accounts, feeds, t)?;
        let absorbed = turn.absorb(named)?;
        Ok((turn.finished(), absorbed))
    }

    /// How much collateral so many base tokens buy (raw) (`quoteCollateral`).
    ///
    /// # Errors
    /// [`Refusal::PriceUnknown`]; [`Refusal::Overflow`] and [`Refusal::DivisionByZero`] where the contract reverts.
    pub fn quote_collateral(&self, asset: usize, pay: U256, feeds: Feeds<'_>) -> Result<U256, Refusal> {
        quote(&mut Silent, self, asset, pay, &positive(prices(self, feeds)))
    }

    /// The least that buys as much of an asset's reserves as can be bought (raw base tokens). `None` where that cannot be
    /// said.
    pub(super) fn price_of_reserves(&self, asset: usize, feeds: Feeds<'_>) -> Option<U256> {
        let listed = self.assets.get(asset)?;
        let (held, prices) = (listed.totals.reserves, positive(prices(self, feeds)));
        let bought = |pay: U256| quote(&mut Silent, self, asset, pay, &prices).ok();
        // So much buys less than so many: base price * paid * unit is below them at the reduced price, but for overflow.
        let reduced = reduced(&mut Silent, self, asset, &prices).ok()?;
        let guess = |below: U256| {
            let unit = known(&prices, BASE_SLOT).ok()?.mul(listed.rules.scale())?;
            let short = below.mul(reduced)?.mul(self.base_scale())?.sub(U256::ONE)?;
            short.div(unit, Down)
        };
        let most = last(guess(held.add(U256::ONE)?), |pay| bought(pay).is_some_and(|some| some <= held));
        let all = bought(most).filter(|all| *all != U256::ZERO)?;
        last(guess(all), |pay| bought(pay).is_some_and(|some| some < all)).add(U256::ONE)
    }
}

/// The last amount below 2^128 that a test takes, where it takes none after one that it does not: the guess, if it is that, else
/// bit by bit from the highest.
fn last(guess: Option<U256>, takes: impl Fn(U256) -> bool) -> U256 {
    let end = U256::ZERO.with_bit(128, true);
    let is_last = |at: U256| {
        let next = at.add(U256::ONE).filter(|next| *next <= end);
        takes(at) && next.is_some_and(|next| next == end || !takes(next))
    };
    guess.filter(|at| is_last(*at)).unwrap_or_else(|| {
        let set = |found: U256, bit: usize| found.with_bit(bit, true);
        (0..128)
            .rev()
            .fold(U256::ZERO, |found, bit| if takes(set(found, bit)) { set(found, bit) } else { found })
    })
}

impl<T: Trace + ?Sized> Turn<'_, T> {
    /// `absorb`: one accrual, then one account after the other, each as those before have left the market.
    pub(super) fn absorb(&mut self, accounts: &[AccountId]) -> Result<Vec<Absorbed>, Refusal> {
        self.go(PAUSE_ABSORB, "absorbing")?;
        self.accrue()?;
        let absorbed: Result<Vec<_>, _> = accounts.iter().map(|id| self.absorb_one(*id)).collect();
        let absorbed = absorbed?;
        self.effects.liquidated = Some(told(&absorbed)?);
        Ok(absorbed)
    }

    /// `absorbInternal`.
    fn absorb_one(&mut self, id: AccountId) -> Result<Absorbed, Refusal> {
        let account = self.account(id)?;
        let position = Position::of(self.market, &account)?;
        // The sum ran to its end, so that every price was there.
        if self.line(&account, Test::Liquidation)?.covered() {
            return Err(Refusal::NotLiquidatable);
        }
        let unit = self.market.base_unit();
        let owed = self.state.present_borrow(self.t, position.owed, unit)?;
        let base_price = known(&self.prices, BASE_SLOT)?;

        let (mut seized, mut credit) = (Vec::new(), U256::ZERO);
        for (asset, amount) in position.collateral() {
            let rules = &self.market.assets[asset].rules;
            self.t.about(Subject::Holding(collateral(asset)));
            let totals = &mut self.totals[asset];
            shrink(&mut totals.total_supply, amount, "collateral of all - seized")?;
            let reserves = totals.reserves.add(amount);
            totals.reserves = cast(reserves.ok_or(Refusal::Overflow(UINT128))?, 128, UINT128)?;
            let price = known(&self.prices, slot(asset))?;
            let formula = "value = balance * price / unit";
            let value = self.t.mul_div(formula, amount, price, rules.scale(), Down, VALUE)?;
            let formula = "credited = value * liquidation factor";
            let credited = self.t.mul_div(formula, value, rules.liquidation_factor, WAD, Down, VALUE)?;
            credit = self.t.add("credit = what is credited, together", credit, credited, VALUE)?;
            seized.push(Seized { asset, amount, value });
        }

        self.t.about(Subject::Account);
        let scale = self.market.base_scale();
        let formula = "covered = credit * base unit / base price";
        let covered = cast(self.t.mul_div(formula, credit, scale, base_price, Down, unit)?, 255, INT256)?;
        let balance = self.t.sub_or_zero("balance = covered - owed, or nothing", covered, owed, unit);
        let shortfall = self.t.sub_or_zero("shortfall = owed - covered, or nothing", owed, covered, unit);
        let principal = self.state.principal(self.t, Int::from(balance), unit)?;
        let change = self.set_principal(&account, principal, Toward::Supply)?;
        self.set_totals(&[change])?;
        for one in &seized {
            let receipt = collateral(one.asset);
            self.effects.flow(receipt, one.amount, Party::Account(id), Party::Treasury);
        }
        let base_paid_out = self.t.add("paid by the reserves = owed + balance", owed, balance, unit)?;
        let formula = "value paid = paid * base price / base unit";
        let value_paid_out = self.t.mul_div(formula, base_paid_out, base_price, scale, Down, VALUE)?;
        Ok(Absorbed { account: id, seized, base_paid_out, value_paid_out, shortfall })
    }

    /// `buyCollateral`, without a least amount: it accrues nothing, and looks at reserves as they would be accrued.
    pub(super) fn buy_collateral(&mut self, asset: usize, pay: U256) -> Result<(), Refusal> {
        self.go(PAUSE_BUY, "buying collateral")?;
        let reserves = self.market.projected(self.call.at)?.reserves()?;
        let target = self.market.numbers.rules.target_reserves;
        if let Some(reserves) = reserves.to_u256().filter(|reserves| *reserves >= target) {
            return Err(Refusal::NotForSale { reserves, target });
        }
        let amount = quote(self.t, self.market, asset, pay, &self.prices)?;
        let held = self.totals[asset].reserves;
        if amount > held {
            return Err(Refusal::InsufficientCash { held, asked: amount });
        }
        shrink(&mut self.totals[asset].reserves, amount, "collateral reserves - amount")?;
        grow(&mut self.state.base_balance, pay, 255, "base tokens held + paid")?;
        let buyer = Party::Wallet(self.call.actor);
        self.effects.flow(BASE, pay, buyer, Party::Pool);
        self.effects.flow(collateral(asset), amount, Party::Treasury, Party::Burn);
        self.effects.flow(token(asset), amount, Party::Pool, buyer);
        Ok(())
    }
}

/// The price of an asset less its discount, the first half of `quoteCollateral`.
fn reduced<T: Trace + ?Sized>(
    t: &mut T,
    market: &Market,
    asset: usize,
    prices: &[Price],
) -> Result<U256, Refusal> {
    let listed = market.assets.get(asset).ok_or(Refusal::NoSuchInstrument(collateral(asset)))?;
    let (rules, one) = (listed.rules, WAD.value());
    t.about(Subject::Instrument(collateral(asset)));
    let price = known(prices, slot(asset))?;
    let penalty = t.sub("penalty = 1 - liquidation factor", one, rules.liquidation_factor, Unit::WAD)?;
    let front = market.numbers.rules.store_front_price_factor;
    let discount =
        t.mul_div("discount = store front factor * penalty", front, penalty, WAD, Down, Unit::WAD)?;
    let kept = t.sub("1 - discount", one, discount, Unit::WAD)?;
    t.mul_div("reduced price = price * (1 - discount)", price, kept, WAD, Down, VALUE)
}

/// `quoteCollateral`.
fn quote<T: Trace + ?Sized>(
    t: &mut T,
    market: &Market,
    asset: usize,
    pay: U256,
    prices: &[Price],
) -> Result<U256, Refusal> {
    let reduced = reduced(t, market, asset, prices)?;
    let rules = market.assets.get(asset).ok_or(Refusal::NoSuchInstrument(collateral(asset)))?.rules;
    let base_price = known(prices, BASE_SLOT)?;
    let value = t.mul("base price * paid", base_price, pay, Unit::NUMBER)?;
    let value =
        t.mul_div("that * unit / reduced price", value, rules.scale(), reduced, Down, Unit::NUMBER)?;
    let unit = Unit::raw(rules.decimals);
    t.mul_div("collateral = that / base unit", value, U256::ONE, market.base_scale(), Down, unit)
}

/// The absorption in the words of every liquidation. Nobody repays; what the reserves paid against collateral stands in
/// its place, and what they paid for nothing is bad debt. Amounts of several assets have no sum: `seized` is told
/// where one alone was seized, and the flows tell all.
fn told(absorbed: &[Absorbed]) -> Result<Liquidated, Refusal> {
    let overflow = Refusal::Overflow("what the reserves paid, together");
    let mut told = Liquidated::default();
    let mut shortfall = U256::ZERO;
    for one in absorbed {
        let covered = one.base_paid_out.sub_or_zero(one.shortfall);
        told.repaid = told.repaid.add(covered).ok_or(overflow)?;
        shortfall = shortfall.add(one.shortfall).ok_or(overflow)?;
    }
    let mut seized = absorbed.iter().flat_map(|one| &one.seized);
    if let (Some(only), None) = (seized.next(), seized.next()) {
        told.seized = only.amount;
    }
    if shortfall != U256::ZERO {
        told.bad_debt.push((DEBT, shortfall));
    }
    Ok(told)
}
