//! What a spoke calls of its hub, and a hub of itself: `Hub.sol`. Each call brings interest up to date, then refuses, then
//! changes, then sets the rate anew; the order of calls moves the price of shares.

use super::hub::{self, TOO_WIDE};
use super::position::{self, PremiumDelta};
use super::turn::Turn;
use super::{AssetState, HubAsset, Link, NO_CAP, NO_THRESHOLD, debt, receipt, token};
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{Arithmetic, BPS, Party, RAY, Refusal, Subject, Trace, U256, Unit};

/// What [`Refusal::ActionPaused`] names where the hub has halted a spoke (`SpokeHalted`).
pub const HALTED: &str = "this spoke's calls of its hub";

/// What a hub tells of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubEvent {
    /// Place of the hub asset.
    pub asset: usize,
    /// What was done.
    pub what: HubChange,
}

/// The changes that a hub tells of; amounts are raw, deficits raw x ray.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubChange {
    /// A supply.
    Add {
        /// Shares made.
        shares: U256,
        /// Tokens taken in.
        amount: U256,
    },
    /// A withdrawal.
    Remove {
        /// Shares burned.
        shares: U256,
        /// Tokens paid out.
        amount: U256,
    },
    /// A loan.
    Draw {
        /// Drawn shares made.
        shares: U256,
        /// Tokens paid out.
        amount: U256,
    },
    /// A repayment.
    Restore {
        /// Drawn shares burned.
        shares: U256,
        /// What happened to the premium.
        premium: PremiumDelta,
        /// Tokens taken in for drawn shares, …
        drawn: U256,
        /// … and for the premium.
        paid: U256,
    },
    /// A loss.
    ReportDeficit {
        /// Drawn shares burned.
        shares: U256,
        /// What happened to the premium.
        premium: PremiumDelta,
        /// What nobody owes any more.
        deficit: U256,
    },
    /// Another risk premium.
    RefreshPremium {
        /// What happened to the premium.
        premium: PremiumDelta,
    },
    /// Shares went to the fee receiver.
    TransferShares {
        /// How many.
        shares: U256,
    },
    /// Fees became shares.
    MintFeeShares {
        /// Shares made.
        shares: U256,
        /// Fees that they stand for.
        assets: U256,
    },
    /// The fee receiver paid for a loss.
    EliminateDeficit {
        /// Shares burned.
        shares: U256,
        /// What is owed by nobody no more.
        deficit: U256,
    },
}

impl<T: Trace + ?Sized> Turn<'_, T> {
    pub(super) fn asset(&mut self, place: usize) -> (&mut HubAsset, &mut Link, &mut T) {
        let asset = self.market.reserves[place].asset;
        (&mut self.assets[asset], &mut self.links[place], &mut *self.t)
    }

    fn tell(&mut self, place: usize, what: HubChange) {
        self.events.push(HubEvent { asset: self.market.reserves[place].asset, what });
    }

    pub(super) fn accrue(&mut self, place: usize) -> Result<(), Refusal> {
        self.t.about(Subject::Instrument(token(place)));
        let at = self.call.at;
        let (asset, _, t) = self.asset(place);
        asset.accrue(t, at)
    }

    fn set_rate(&mut self, place: usize) -> Result<(), Refusal> {
        let (asset, _, t) = self.asset(place);
        asset.set_rate(t)
    }

    fn open(&mut self, place: usize) -> Result<(), Refusal> {
        self.in_use(place)?;
        if self.links[place].halted { Err(Refusal::ActionPaused(HALTED)) } else { Ok(()) }
    }

    fn in_use(&self, place: usize) -> Result<(), Refusal> {
        if self.links[place].active { Ok(()) } else { Err(Refusal::Inactive(token(place))) }
    }

    /// A cap in raw units; `None` where there is none.
    fn cap(&self, place: usize, cap: u64) -> Result<Option<U256>, Refusal> {
        if cap == NO_CAP {
            return Ok(None);
        }
        let unit = U256::pow10(self.market.decimals(place));
        unit.and_then(|unit| unit.mul(U256::from(cap))).map(Some).ok_or(Refusal::Overflow("cap in raw units"))
    }

    /// `add`: shares for tokens.
    pub(super) fn add(&mut self, place: usize, amount: U256) -> Result<U256, Refusal> {
        self.accrue(place)?;
        if amount == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        self.open(place)?;
        let cap = self.cap(place, self.links[place].add_cap)?;
        let (asset, link, t) = self.asset(place);
        let pot = asset.pot(t, asset.state.drawn_index)?;
        if let Some(cap) = cap {
            let held = pot.assets_of(t, link.added_shares, Up)?;
            let after =
                t.add("supplied through this spoke + amount", held, amount, Unit::raw(asset.decimals))?;
            if after > cap {
                return Err(Refusal::SupplyCap(receipt(place)));
            }
        }
        let shares = pot.shares_of(t, amount, Down)?;
        if shares == U256::ZERO {
            return Err(Refusal::NoShares);
        }
        grow(&mut asset.state.added_shares, shares)?;
        grow(&mut link.added_shares, shares)?;
        grow(&mut asset.state.liquidity, amount)?;
        self.set_rate(place)?;
        self.effects.flow(token(place), amount, Party::Wallet(self.call.actor), Party::Pool);
        self.effects.flow(receipt(place), shares, Party::Mint, Party::Account(self.call.account));
        self.tell(place, HubChange::Add { shares, amount });
        Ok(shares)
    }

    /// `remove`: tokens for shares, those of `from`.
    pub(super) fn remove(&mut self, place: usize, amount: U256) -> Result<U256, Refusal> {
        self.accrue(place)?;
        if amount == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        self.open(place)?;
        let (asset, link, t) = self.asset(place);
        let held = asset.state.liquidity;
        let left = held.sub(amount).ok_or(Refusal::InsufficientCash { held, asked: amount })?;
        let shares = asset.pot(t, asset.state.drawn_index)?.shares_of(t, amount, Up)?;
        shrink(&mut asset.state.added_shares, shares)?;
        shrink(&mut link.added_shares, shares)?;
        asset.state.liquidity = left;
        self.set_rate(place)?;
        self.effects.flow(token(place), amount, Party::Pool, Party::Wallet(self.call.actor));
        self.tell(place, HubChange::Remove { shares, amount });
        Ok(shares)
    }

    /// `draw`: tokens for drawn shares.
    pub(super) fn draw(&mut self, place: usize, amount: U256) -> Result<U256, Refusal> {
        self.accrue(place)?;
        if amount == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        self.open(place)?;
        let cap = self.cap(place, self.links[place].draw_cap)?;
        let (asset, link, t) = self.asset(place);
        let (index, decimals) = (asset.state.drawn_index, asset.decimals);
        if let Some(cap) = cap {
            let unit = Unit::raw(decimals);
            let drawn = hub::drawn(t, link.drawn_shares, index, decimals)?;
            let premium = hub::premium(t, link.premium_shares, link.premium_offset, index, decimals)?;
            let premium = hub::whole(t, "premium = premium / 1e27", premium, decimals)?;
            let deficit = hub::whole(t, "deficit = deficit / 1e27", link.deficit, decimals)?;
            let owed = t.add("owed through this spoke", drawn, premium, unit)?;
            let owed = t.add("… + amount", owed, amount, unit)?;
            let owed = t.add("… + deficit", owed, deficit, unit)?;
            if owed > cap {
                return Err(Refusal::BorrowCap(debt(place)));
            }
        }
        let held = asset.state.liquidity;
        let left = held.sub(amount).ok_or(Refusal::InsufficientCash { held, asked: amount })?;
        let shares = hub::drawn_shares(t, amount, index, Up, decimals)?;
        grow(&mut asset.state.drawn_shares, shares)?;
        grow(&mut link.drawn_shares, shares)?;
        asset.state.liquidity = left;
        self.set_rate(place)?;
        self.effects.flow(token(place), amount, Party::Pool, Party::Wallet(self.call.actor));
        self.effects.flow(debt(place), shares, Party::Mint, Party::Account(self.call.account));
        self.tell(place, HubChange::Draw { shares, amount });
        Ok(shares)
    }

    /// `restore`: drawn shares and premium for tokens; `amount` is for drawn shares.
    pub(super) fn restore(&mut self, place: usize, amount: U256, delta: PremiumDelta) -> Result<(), Refusal> {
        self.accrue(place)?;
        if amount == U256::ZERO && delta.restored == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        self.open(place)?;
        self.owed_through(place, amount, delta.restored)?;
        let shares = self.take(place, amount, &delta)?;
        let (asset, _, t) = self.asset(place);
        let paid = hub::whole(t, "premium paid = premium / 1e27", delta.restored, asset.decimals)?;
        let both = t.add("paid = drawn + premium", amount, paid, Unit::raw(asset.decimals))?;
        grow(&mut asset.state.liquidity, both)?;
        self.set_rate(place)?;
        self.effects.flow(token(place), both, Party::Wallet(self.call.actor), Party::Pool);
        self.effects.flow(debt(place), shares, Party::Account(self.call.account), Party::Burn);
        self.tell(place, HubChange::Restore { shares, premium: delta, drawn: amount, paid });
        Ok(())
    }

    /// `reportDeficit`: drawn shares and premium for nothing. Works while the spoke is halted. Answers the deficit.
    pub(super) fn report_deficit(
        &mut self,
        place: usize,
        amount: U256,
        delta: PremiumDelta,
    ) -> Result<U256, Refusal> {
        self.accrue(place)?;
        if amount == U256::ZERO && delta.restored == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        self.in_use(place)?;
        self.owed_through(place, amount, delta.restored)?;
        let shares = self.take(place, amount, &delta)?;
        let (asset, link, t) = self.asset(place);
        let unit = hub::fine(asset.decimals);
        let drawn = t.mul("lost = drawn shares x index", shares, asset.state.drawn_index, unit)?;
        let deficit = t.add("deficit = lost + premium", drawn, delta.restored, unit)?;
        asset.state.deficit = t.add("deficit of the asset", asset.state.deficit, deficit, unit)?;
        link.deficit = t.add("deficit of the spoke", link.deficit, deficit, unit)?;
        self.set_rate(place)?;
        self.effects.flow(debt(place), shares, Party::Account(self.call.account), Party::Loss);
        self.tell(place, HubChange::ReportDeficit { shares, premium: delta, deficit });
        Ok(deficit)
    }

    /// `refreshPremium`.
    pub(super) fn refresh_premium(&mut self, place: usize, delta: PremiumDelta) -> Result<(), Refusal> {
        self.accrue(place)?;
        self.in_use(place)?;
        self.apply_delta(place, &delta)?;
        self.set_rate(place)?;
        self.tell(place, HubChange::RefreshPremium { premium: delta });
        Ok(())
    }

    /// `payFeeShares`: shares of the account to the fee receiver; no cap, and while the spoke is halted too.
    pub(super) fn pay_fee(&mut self, place: usize, shares: U256) -> Result<(), Refusal> {
        self.accrue(place)?;
        self.in_use(place)?;
        let (asset, link, _) = self.asset(place);
        shrink(&mut link.added_shares, shares)?;
        grow(&mut asset.state.fee_shares, shares)?;
        self.set_rate(place)?;
        self.effects.flow(receipt(place), shares, Party::Account(self.call.account), Party::Treasury);
        self.tell(place, HubChange::TransferShares { shares });
        Ok(())
    }

    /// No spoke restores more than is owed through it.
    fn owed_through(&mut self, place: usize, amount: U256, premium: U256) -> Result<(), Refusal> {
        let (asset, link, t) = self.asset(place);
        let (index, decimals) = (asset.state.drawn_index, asset.decimals);
        let drawn = hub::drawn(t, link.drawn_shares, index, decimals)?;
        let owed = hub::premium(t, link.premium_shares, link.premium_offset, index, decimals)?;
        if amount > drawn {
            return Err(Refusal::AmountTooLarge { held: drawn, asked: amount });
        }
        if premium > owed {
            // Compared as finely as the hub does, told in raw units.
            let whole = |fine: U256, rounding| fine.div(RAY.value(), rounding).unwrap_or_default();
            return Err(Refusal::AmountTooLarge { held: whole(owed, Down), asked: whole(premium, Up) });
        }
        Ok(())
    }

    fn take(&mut self, place: usize, amount: U256, delta: &PremiumDelta) -> Result<U256, Refusal> {
        let (asset, link, t) = self.asset(place);
        let shares = hub::drawn_shares(t, amount, asset.state.drawn_index, Down, asset.decimals)?;
        shrink(&mut asset.state.drawn_shares, shares)?;
        shrink(&mut link.drawn_shares, shares)?;
        self.apply_delta(place, delta)?;
        Ok(shares)
    }

    /// The change of premium at asset and spoke: nothing comes of it and nothing is lost (`_applyPremiumDelta`), and
    /// premium shares stay within the spoke's limit.
    fn apply_delta(&mut self, place: usize, delta: &PremiumDelta) -> Result<(), Refusal> {
        let limited = self.limited;
        let (asset, link, t) = self.asset(place);
        let (index, decimals) = (asset.state.drawn_index, asset.decimals);
        let state = &mut asset.state;
        for (shares, offset) in [
            (&mut state.premium_shares, &mut state.premium_offset),
            (&mut link.premium_shares, &mut link.premium_offset),
        ] {
            let before = hub::premium(t, *shares, *offset, index, decimals)?;
            position::apply(shares, offset, delta)?;
            let after = hub::premium(t, *shares, *offset, index, decimals)?;
            if after.add(delta.restored) != Some(before) {
                return Err(Refusal::InconsistentAccount("its premium is more than its hub knows of"));
            }
        }
        let threshold = link.risk_premium_threshold;
        if limited && threshold != NO_THRESHOLD {
            let most = U256::from(u64::from(threshold));
            let formula = "most premium shares = drawn shares x limit / 1e4";
            let most = t.mul_div(formula, link.drawn_shares, most, BPS, Up, Unit::shares(decimals))?;
            if link.premium_shares > most {
                return Err(Refusal::RiskPremiumLimit(debt(place)));
            }
        }
        Ok(())
    }

    // ---- what a hub does by itself -----------------------------------------------------------------------------

    /// `mintFeeShares`: fees become shares of the fee receiver, at a price without those fees.
    pub(super) fn mint_fees(&mut self, place: usize) -> Result<U256, Refusal> {
        self.accrue(place)?;
        let (asset, _, t) = self.asset(place);
        let fees = asset.state.realized_fees;
        let shares = asset.pot(t, asset.state.drawn_index)?.shares_of(t, fees, Down)?;
        if shares != U256::ZERO {
            receiver_in_use(&asset.state, place)?;
            grow(&mut asset.state.added_shares, shares)?;
            grow(&mut asset.state.fee_shares, shares)?;
            asset.state.realized_fees = U256::ZERO;
            self.effects.flow(receipt(place), shares, Party::Mint, Party::Treasury);
            self.tell(place, HubChange::MintFeeShares { shares, assets: fees });
        }
        self.set_rate(place)?;
        Ok(shares)
    }

    /// `eliminateDeficit`: the fee receiver burns shares for a spoke's loss. Answers shares and amount.
    pub(super) fn eliminate_deficit(&mut self, place: usize, amount: U256) -> Result<[U256; 2], Refusal> {
        self.accrue(place)?;
        let (asset, link, t) = self.asset(place);
        let decimals = asset.decimals;
        let all = hub::whole(t, "deficit = deficit / 1e27", link.deficit, decimals)?;
        let part = if amount < all {
            t.mul("part of the deficit = amount x 1e27", amount, RAY.value(), hub::fine(decimals))?
        } else {
            link.deficit
        };
        receiver_in_use(&asset.state, place)?;
        if part == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        let amount = hub::whole(t, "part = part / 1e27", part, decimals)?;
        let shares = asset.pot(t, asset.state.drawn_index)?.shares_of(t, amount, Up)?;
        shrink(&mut asset.state.added_shares, shares)?;
        shrink(&mut asset.state.fee_shares, shares)?;
        shrink(&mut asset.state.deficit, part)?;
        shrink(&mut link.deficit, part)?;
        self.set_rate(place)?;
        self.effects.flow(receipt(place), shares, Party::Treasury, Party::Burn);
        self.tell(place, HubChange::EliminateDeficit { shares, deficit: part });
        Ok([shares, amount])
    }

    /// `sweep` (out of the hub) and `reclaim` (back): tokens lent for reinvestment.
    pub(super) fn sweep(&mut self, place: usize, amount: U256, back: bool) -> Result<(), Refusal> {
        self.accrue(place)?;
        if amount == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        let state = &mut self.asset(place).0.state;
        if back {
            grow(&mut state.liquidity, amount)?;
            shrink(&mut state.swept, amount)?;
        } else {
            let held = state.liquidity;
            state.liquidity = held.sub(amount).ok_or(Refusal::InsufficientCash { held, asked: amount })?;
            grow(&mut state.swept, amount)?;
        }
        self.set_rate(place)
    }

    /// `setInterestRateData`.
    pub(super) fn set_curve(&mut self, place: usize, curve: super::Curve) -> Result<(), Refusal> {
        self.accrue(place)?;
        self.asset(place).0.curve = curve;
        self.set_rate(place)
    }
}

fn receiver_in_use(state: &AssetState, place: usize) -> Result<(), Refusal> {
    if state.fee_receiver_active { Ok(()) } else { Err(Refusal::Inactive(token(place))) }
}

/// Adds to a number of the hub, which has 120 bits.
pub(super) fn grow(place: &mut U256, by: U256) -> Result<(), Refusal> {
    let sum = place.add(by).filter(|sum| sum.bit_len() <= 120);
    *place = sum.ok_or(Refusal::Overflow(TOO_WIDE))?;
    Ok(())
}

pub(super) fn shrink(place: &mut U256, by: U256) -> Result<(), Refusal> {
    *place = place.sub(by).ok_or(Refusal::Overflow("a number of the hub less what is taken"))?;
    Ok(())
}
