//! Looking through a price: which leaves move it and by how much, which of them carries its value, and which of them
//! see a market.

use super::derived::{active, value_of};
use super::shares::{raw, worth_of_sides};
use super::{FeedKind, Graph, Origin, PoolShare, PoolValue, PriceId, Quote, VaultShare};
use crate::num::{Decimal, Int, Rounding, U256, Wide};
use crate::unit::Time;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// One in the weights of leaves: 10^18.
const WHOLE: Int = Int::new(1_000_000_000_000_000_000);

/// A leaf that moves a price: a feed, a constant, or a rate's cap that binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The leaf; of a cap that binds the capped rate itself.
    pub id: PriceId,
    /// By how much the price moves when the leaf does, as a part of it (10^-18): of 10^18 it moves as far, of minus as
    /// much as far the other way. Exact of products, quotients and bounds; cut of what a pool's reserves weigh.
    pub weight: Int,
    /// The part of the price's value that the leaf carries (10^-18). The parts of a price's leaves add up to 10^18: of a
    /// product the leg in the product's currency carries all of it, and the rates beside it move the same value again.
    pub share: Int,
}

/// How much of the market a price sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// All that moves it follows a market.
    Whole,
    /// A part of it does; on the way stands a constant, a cap that binds or an exchange rate, blind to the discount of what
    /// it converts.
    Partial,
    /// Nothing but exchange rates moves it: what an issuer pays, whatever a sale fetches.
    Rate,
    /// Nothing moves it: it is hard-coded.
    Fixed,
}

impl Sight {
    /// Whether no market moves the price at all.
    #[must_use]
    pub const fn is_blind(self) -> bool {
        matches!(self, Sight::Rate | Sight::Fixed)
    }

    /// The word that people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Sight::Whole => "market",
            Sight::Partial => "partly",
            Sight::Rate => "rate only",
            Sight::Fixed => "hard-coded",
        }
    }
}

/// A price looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The leaves that move it as things stand, in the order of the graph.
    pub leaves: Vec<Leaf>,
    /// Leaves below it that do not move it as things stand: of a cap or floor the legs that do not decide.
    pub idle: Vec<PriceId>,
    /// How many derived prices stand above one another on the longest way to a leaf that moves it.
    pub depth: usize,
    /// Pools on the way that are valued by their reserves: whoever trades in them moves the price.
    pub manipulable: Vec<PriceId>,
    /// What it sees of the market.
    pub sight: Sight,
}

/// What has come down to a price so far: weight, share, and how deep it is.
#[derive(Clone, Copy)]
struct Pull {
    weight: Int,
    share: Int,
    depth: usize,
}

impl Graph {
    /// Looks through a price as the quotes of a time have it. Of several legs of a bound that are equal, the first decides.
    ///
    /// `None` where a value is missing on which it depends which legs count, two of them are too far apart in scale to
    /// compare, or 512 bits do not hold a pool's.
    #[must_use]
    pub fn look(&self, quotes: &[Quote], id: PriceId, at: Time) -> Option<Look> {
        // Legs stand before what is built on them: from the highest down, every price is met after all that pull at it.
        let mut open = BTreeMap::from([(id, Pull { weight: WHOLE, share: WHOLE, depth: 0 })]);
        let (mut leaves, mut manipulable, mut depth) = (Vec::new(), Vec::new(), 0);
        while let Some((id, pull)) = open.pop_last() {
            let origin = self.origin(id)?;
            if matches!(origin, Origin::PoolShare(PoolShare { value: PoolValue::Reserves, .. })) {
                manipulable.push(id);
            }
            let legs = self.pulled(id, origin, pull, quotes, at)?;
            if legs.is_empty() {
                depth = depth.max(pull.depth);
                if !(pull.weight.is_zero() && pull.share.is_zero()) {
                    leaves.push(Leaf { id, weight: pull.weight, share: pull.share });
                }
            }
            for (leg, weight, share) in legs {
                let next = Pull { weight: Int::ZERO, share: Int::ZERO, depth: 0 };
                let next = open.entry(leg).or_insert(next);
                next.weight = next.weight.add(weight)?;
                next.share = next.share.add(share)?;
                next.depth = next.depth.max(pull.depth + 1);
            }
        }
        leaves.reverse();
        manipulable.reverse();
        let moving: BTreeSet<PriceId> = leaves.iter().map(|leaf| leaf.id).collect();
        let idle = self.leaves(id).into_iter().filter(|leaf| !moving.contains(leaf)).collect();
        let sight = self.sight(&leaves);
        Some(Look { leaves, idle, depth, manipulable, sight })
    }

    fn sight(&self, leaves: &[Leaf]) -> Sight {
        let kind = |leaf: &Leaf| match self.origin(leaf.id) {
            Some(Origin::Feed(feed)) => Some(feed.kind),
            _ => None,
        };
        let sees = |kind: Option<FeedKind>| matches!(kind, Some(FeedKind::Oracle | FeedKind::Market));
        let kinds = || leaves.iter().map(kind);
        match () {
            () if kinds().all(|kind| kind.is_none()) => Sight::Fixed,
            () if !kinds().any(sees) => Sight::Rate,
            () if kinds().all(sees) => Sight::Whole,
            () => Sight::Partial,
        }
    }

    /// The legs that move a price, each with its weight and share of what comes down; none of a leaf.
    fn pulled(
        &self,
        id: PriceId,
        origin: &Origin,
        Pull { weight, share, .. }: Pull,
        quotes: &[Quote],
        at: Time,
    ) -> Option<Vec<(PriceId, Int, Int)>> {
        let all = |leg: &PriceId| alloc::vec![(*leg, weight, share)];
        Some(match origin {
            Origin::Feed(_) | Origin::Constant(_) => Vec::new(),
            Origin::Product { legs, .. } => self.factors(id, legs, weight, share),
            Origin::Quotient { of, by, .. } => {
                alloc::vec![(*of, weight, share), (*by, weight.neg(), Int::ZERO)]
            }
            Origin::MulDiv { of, times, over, .. } => {
                // The divisor is in the currency of the factor that carries.
                let mut legs = self.factors(*over, &[*of, *times], weight, share);
                legs.push((*over, weight.neg(), Int::ZERO));
                legs
            }
            Origin::RateCap(cap) if cap.binds(value_of(quotes, cap.of)?, at)? => Vec::new(),
            Origin::RateCap(cap) => all(&cap.of),
            Origin::Least { legs } => all(active(legs, quotes, true)?),
            Origin::Greatest { legs } => all(active(legs, quotes, false)?),
            Origin::PoolShare(pool) => {
                let sides = sides(pool, quotes)?;
                let [weights, shares] = [weight, share].map(|of| split(of, &sides));
                let mut legs = alloc::vec![(pool.supply, weight.neg(), Int::ZERO)];
                for (side, (weight, share)) in weights?.into_iter().zip(shares?).enumerate() {
                    legs.push((pool.reserves[side], weight, Int::ZERO));
                    legs.push((pool.prices[side], weight, share));
                }
                legs
            }
            Origin::VaultShare(vault) => {
                let VaultShare { assets, supply, virtual_assets, virtual_shares, .. } = *vault;
                let real = |leg, decimals, beside: U256| {
                    let own = raw(value_of(quotes, leg)?, decimals)?;
                    part(weight, Int::from(own).into(), Int::from(own.add(beside)?).into())
                };
                let risen = real(assets, vault.asset_decimals, virtual_assets)?;
                let fallen = real(supply, vault.share_decimals, virtual_shares)?;
                alloc::vec![(assets, risen, share), (supply, fallen.neg(), Int::ZERO)]
            }
        })
    }

    /// The factors of a product: all move it, and the one in the currency of `like` carries it; else the last.
    fn factors(&self, like: PriceId, legs: &[PriceId], weight: Int, share: Int) -> Vec<(PriceId, Int, Int)> {
        let currency = |id: PriceId| self.price(id).map(|price| price.unit.currency.as_str());
        let own = legs.iter().rposition(|leg| currency(*leg) == currency(like));
        let carrier = own.unwrap_or(legs.len().saturating_sub(1));
        let leg = |(place, leg): (usize, &PriceId)| {
            (*leg, weight, if place == carrier { share } else { Int::ZERO })
        };
        legs.iter().enumerate().map(leg).collect()
    }
}

/// What both sides of a pool weigh.
fn sides(pool: &PoolShare, quotes: &[Quote]) -> Option<[Wide; 2]> {
    match pool.value {
        PoolValue::Fair => Some([Wide::from(Int::ONE); 2]),
        PoolValue::Reserves => {
            let side = |side: usize| -> Option<[Decimal; 2]> {
                Some([value_of(quotes, pool.reserves[side])?, value_of(quotes, pool.prices[side])?])
            };
            worth_of_sides(side(0)?, side(1)?)
        }
    }
}

/// A number split by what two sides weigh: the parts add up to it.
fn split(of: Int, [x, y]: &[Wide; 2]) -> Option<[Int; 2]> {
    let first = part(of, *x, x.add(*y)?)?;
    Some([first, of.sub(first)?])
}

/// So much of a number, cut toward zero.
fn part(of: Int, number: Wide, over: Wide) -> Option<Int> {
    let (magnitude, _) = number.mul(of.magnitude())?.div_rem(over)?;
    Some(Int::from_parts(of.is_negative(), magnitude.to_int()?.to_u256()?))
}

impl Leaf {
    /// How much of a value moves with the leaf, cut toward zero; `None` beyond 256 bits.
    #[must_use]
    pub fn moves(&self, value: U256) -> Option<Int> {
        let moved = value.mul_div_wide(self.weight.magnitude(), WHOLE.magnitude(), Rounding::Down)?;
        Some(Int::from_parts(self.weight.is_negative(), moved))
    }
}

impl Look {
    /// A value shared among the leaves, in their order: the parts add up to it. `None` beyond 256 bits.
    #[must_use]
    pub fn shared(&self, value: U256) -> Option<Vec<Int>> {
        // Of the shares up to here as much as has not been given: what is cut of one comes with the next.
        let (mut upto, mut given, mut parts) = (Int::ZERO, Int::ZERO, Vec::new());
        for leaf in &self.leaves {
            upto = upto.add(leaf.share)?;
            let reached = Int::from(value).mul_wide(upto).div_down(WHOLE.magnitude())?;
            parts.push(reached.sub(given)?);
            given = reached;
        }
        Some(parts)
    }
}
