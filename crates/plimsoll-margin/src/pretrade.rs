//! Before an order goes in: what headroom it would leave, and how much there is room for.
//!
//! All of it is asked of an account of [`crate::cross`] at the weights and rates of the line that new risk must keep: the initial one. An order counts as if
//! all orders of its side were filled at the price of valuation; its fee, and what a limit that is worse than that price would lose, are the caller's to set
//! aside in the perp's quote.
//!
//! # What may be done
//! Whatever leaves headroom at or above zero, and, below zero, an order that leaves it no lower than it was: where the other side or a larger position asks for as
//! much already, and so an order that closes. Nothing is paid out below the line, though it count nothing: it may be what a loss is borne by.
//!
//! # Why bisection is exact
//! Headroom never rises with the size of an order. Say bids grow; with asks it is the same, mirrored. What a base asks is convex in the base, nothing at 0 and
//! never negative. Let C be what the asks' side asks, which bids do not move. A long base with more bids asks more. A short one asks less until they have
//! closed it, but up to there less than it asks by itself, and C is at least that, since asks make it only shorter: the greater of both is C. From there on
//! bids ask more and more. A greater ask is a lesser profit, a lesser balance, a lesser headroom, whatever the sign, because weights are such
//! that [`Account::is_sound`] holds and prices are not negative. Headroom never rises with what is withdrawn either. So what may be done is
//! every size up to a greatest, and bisection of whole numbers finds it: that size is allowed and one lot more is not.

use crate::cross::{Account, Asset, Perp, WEIGHT};
use crate::liquidation::least;
use plimsoll_core::{Int, Rounding};

/// The side of the book on which an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It buys.
    Bid,
    /// It sells.
    Ask,
}

/// An order that is not in yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The perp's place in the account.
    pub perp: usize,
    /// Its side.
    pub side: Side,
    /// Base, not negative.
    pub size: i128,
}

/// Headroom before and after, in the unit of [`Account::headroom`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impact {
    /// As the account stands.
    pub before: Int,
    /// With what is asked about.
    pub after: Int,
}

impl Impact {
    /// Whether an order of this impact may go in.
    #[must_use]
    pub fn may_go_in(&self) -> bool {
        self.may_go_out() || self.after >= self.before
    }

    /// Whether a withdrawal of this impact may go out.
    #[must_use]
    pub fn may_go_out(&self) -> bool {
        !self.after.is_negative()
    }
}

/// What an order would do. `None` where the account is not sound, a place is missing, a price or the size is negative, or a number does not fit.
#[must_use]
pub fn order(account: &Account<'_>, prices: &[i128], order: Order) -> Option<Impact> {
    let desk = Desk::of_perp(account, prices, order.perp)?;
    Some(Impact { before: desk.before, after: desk.ordered(order.side, order.size)? })
}

/// What a withdrawal of so much of the asset in place `asset` would do. `None` as of an order.
#[must_use]
pub fn withdrawal(account: &Account<'_>, prices: &[i128], asset: usize, amount: i128) -> Option<Impact> {
    let desk = Desk::of_asset(account, prices, asset)?;
    Some(Impact { before: desk.before, after: desk.withdrawn(amount)? })
}

/// What is free at these prices: headroom above zero in whole units of quote, rounded down; 0 below the line.
#[must_use]
pub fn free_margin(account: &Account<'_>, prices: &[i128]) -> Option<i128> {
    if !is_asked_well(account, prices) {
        return None;
    }
    let unit = Int::new(account.unit).mul(Int::new(account.unit))?;
    let one = Int::new(i128::from(WEIGHT).pow(3)).mul(unit)?;
    let free = account.headroom(prices)?.max(Int::ZERO).div(one, Rounding::Down)?;
    i128::try_from(free.to_u256()?.to_u128()?).ok()
}

/// The greatest number of lots, at most `most`, for which an order on this side may go in; beyond 127 bits no order may. `None` as of an order, and for a lot
/// that is not positive or a negative `most`.
#[must_use]
pub fn largest_order(
    account: &Account<'_>,
    prices: &[i128],
    (perp, side): (usize, Side),
    lot: i128,
    most: i128,
) -> Option<i128> {
    let desk = Desk::of_perp(account, prices, perp)?;
    if lot <= 0 {
        return None;
    }
    greatest(most, desk.before.min(Int::ZERO), |lots| desk.ordered(side, lots.checked_mul(lot)?))
}

/// The most of the asset in place `asset` that may be withdrawn, at most `most`: what is held, where nothing may be borrowed. 0 below the line. `None` as of an
/// order, and for a negative `most`.
#[must_use]
pub fn largest_withdrawal(account: &Account<'_>, prices: &[i128], asset: usize, most: i128) -> Option<i128> {
    let desk = Desk::of_asset(account, prices, asset)?;
    greatest(most, Int::ZERO, |amount| desk.withdrawn(amount))
}

/// The greatest number up to `most` that leaves at least this headroom, 0 where none does; the header says why bisection finds it.
fn greatest(most: i128, floor: Int, after: impl Fn(i128) -> Option<Int>) -> Option<i128> {
    let most = u128::try_from(most).ok()?;
    let refused = |number: u128| {
        let after = i128::try_from(number).ok().and_then(&after);
        after.is_none_or(|after| after < floor)
    };
    let greatest = least(most, refused).map_or(most, |first| first.saturating_sub(1));
    i128::try_from(greatest).ok()
}

fn is_asked_well(account: &Account<'_>, prices: &[i128]) -> bool {
    account.is_sound(prices.len()) && prices.iter().all(|price| *price >= 0)
}

/// Headroom as a function of one perp's orders or of what is held of one asset: all else is added up once.
struct Desk<'a> {
    account: &'a Account<'a>,
    prices: &'a [i128],
    /// The asset that moves.
    place: usize,
    /// The perp whose orders move it, if one does.
    perp: Option<&'a Perp<'a>>,
    /// What all other assets add.
    others: Int,
    /// The asset's balance without that perp.
    balance: Int,
    /// Headroom as it stands.
    before: Int,
}

impl<'a> Desk<'a> {
    fn of_perp(account: &'a Account<'a>, prices: &'a [i128], perp: usize) -> Option<Desk<'a>> {
        let moved = account.perps.get(perp)?;
        Desk::new(account, prices, moved.settles_in, Some((perp, moved)))
    }

    fn of_asset(account: &'a Account<'a>, prices: &'a [i128], asset: usize) -> Option<Desk<'a>> {
        Desk::new(account, prices, asset, None)
    }

    fn new(
        account: &'a Account<'a>,
        prices: &'a [i128],
        place: usize,
        perp: Option<(usize, &'a Perp<'a>)>,
    ) -> Option<Desk<'a>> {
        if !is_asked_well(account, prices) {
            return None;
        }
        let mut others = Int::ZERO;
        for other in (0..account.assets.len()).filter(|other| *other != place) {
            let balance = account.balance(other, prices, None)?;
            others = others.add(account.counts(other, balance, prices)?)?;
        }
        let balance = account.balance(place, prices, perp.map(|(number, _)| number))?;
        let perp = perp.map(|(_, perp)| perp);
        let mut desk = Desk { account, prices, place, perp, others, balance, before: Int::ZERO };
        desk.before = match perp {
            Some(perp) => desk.with_perp(perp)?,
            None => desk.with_balance(balance)?,
        };
        Some(desk)
    }

    fn with_balance(&self, balance: Int) -> Option<Int> {
        self.others.add(self.account.counts(self.place, balance, self.prices)?)
    }

    fn with_perp(&self, perp: &Perp<'_>) -> Option<Int> {
        let price = *self.prices.get(perp.price)?;
        self.with_balance(self.balance.add(perp.unsettled(price, self.account.unit)?)?)
    }

    /// Headroom with an order of this size.
    fn ordered(&self, side: Side, size: i128) -> Option<Int> {
        let mut perp = *self.perp?;
        let orders = match side {
            Side::Bid => &mut perp.bids,
            Side::Ask => &mut perp.asks,
        };
        *orders = orders.checked_add(size).filter(|_| size >= 0)?;
        self.with_perp(&perp)
    }

    /// Headroom with so much less of the asset.
    fn withdrawn(&self, amount: i128) -> Option<Int> {
        if amount < 0 {
            return None;
        }
        let asset: &Asset = self.account.assets.get(self.place)?;
        asset.held.checked_sub(amount)?; // what would be owed must be a number that an account can have
        let taken = Int::new(amount).mul(self.account.scale()?)?;
        self.with_balance(self.balance.sub(taken)?)
    }
}
