//! The arithmetic of capped exchange rates, of pools and of vaults, as the deployed contracts or the papers have it.

use super::PriceId;
use super::derived::compare;
use crate::num::{Decimal, Int, Rounding, U256, Wide};
use crate::unit::Time;
use core::cmp::Ordering;
use serde::{Deserialize, Serialize};

/// A year of 365 days (s), as the adapters count it.
const YEAR: u64 = 31_536_000;

/// An exchange rate that counts for no more than a snapshot of it, grown by so much a year: Aave's `PriceCapAdapterBase`
/// (bgd-labs/aave-capo), its `_setCapParameters` and `_getMaxRatio`. What stands at the rate is then a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateCap {
    /// The rate as its provider tells it.
    pub of: PriceId,
    /// What it was (10^-`decimals`), below 2^104.
    pub snapshot: U256,
    /// When it was that. Before, there is no price: the adapter reverts.
    pub taken_at: Time,
    /// How much of the snapshot may come on top in a year (bps).
    pub growth: u16,
    /// Digits after the point in which the adapter counts rates.
    pub decimals: u8,
}

impl RateCap {
    /// The most that the rate counts for at a time; `None` before the snapshot.
    #[must_use]
    pub fn highest(&self, at: Time) -> Option<Decimal> {
        let elapsed = at.since(self.taken_at)?;
        let million = U256::from(1_000_000_u64);
        let yearly = self.snapshot.mul(U256::from(u64::from(self.growth)))?.mul(million)?;
        // Millionths a second, cut; then so many seconds of it, cut again.
        let a_second = yearly.div(U256::from(10_000_u64), Rounding::Down)?;
        let a_second = a_second.div(U256::from(YEAR), Rounding::Down)?;
        let grown = a_second.mul(U256::from(elapsed))?.div(million, Rounding::Down)?;
        Some(Decimal { mantissa: self.snapshot.add(grown)?.into(), decimals: self.decimals })
    }

    /// Whether the cap is what counts, and not the rate; `None` before the snapshot, or where the two cannot be compared.
    pub(super) fn binds(&self, rate: Decimal, at: Time) -> Option<bool> {
        Some(compare(self.highest(at)?, rate)? == Ordering::Less)
    }
}

/// By which numbers a share of a pool is valued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PoolValue {
    /// Twice the root of reserves and prices: what the pool holds once arbitrage has brought its price to the market's. A
    /// trade in the pool does not move it.
    Fair,
    /// What the reserves hold now, each at its price. Whoever trades in the pool moves it, for as long as he likes to pay.
    Reserves,
}

impl PoolValue {
    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            PoolValue::Fair => "fair",
            PoolValue::Reserves => "reserves",
        }
    }
}

/// A share of a pool of two assets whose reserves' product stays, such as Uniswap v2's: in the currency of the prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolShare {
    /// What it holds of each asset (whole tokens).
    pub reserves: [PriceId; 2],
    /// The price of each.
    pub prices: [PriceId; 2],
    /// Its shares (whole).
    pub supply: PriceId,
    /// By what it is valued.
    pub value: PoolValue,
    /// Digits after the point that are kept.
    pub decimals: u8,
    /// Which way the rest goes, once.
    pub rounding: Rounding,
}

impl PoolShare {
    /// The value of a share, from (reserve, price) of both assets; `None` without shares, and beyond 512 bits.
    ///
    /// Fair: `2 sqrt(r p s q) / n` (Alpha Homora, "Fair Uniswap's LP Token Pricing"), as `sqrt(4 r p s q / n^2)` so that only
    /// the root is rounded.
    pub(super) fn value(&self, sides: &[[Decimal; 2]; 2], supply: Decimal) -> Option<Decimal> {
        let [x, y] = [worth(sides[0])?, worth(sides[1])?];
        let (shares, shares_decimals) = amount(supply)?;
        let value = match self.value {
            PoolValue::Fair => {
                // One side must fit 256 bits, the product 512.
                let under = x.0.mul(y.0.to_int()?.to_u256()?)?.mul(U256::from(4_u64))?;
                let over = Int::from(shares).mul_wide(Int::from(shares));
                // The root of 10^-2d is 10^-d.
                let up = u16::from(self.decimals) * 2 + u16::from(shares_decimals) * 2;
                rooted(scaled(under, over, up, x.1 + y.1)?, self.rounding)?
            }
            PoolValue::Reserves => {
                let ([x, y], common) = in_one_unit(x, y)?;
                let sum = x.add(y)?;
                let up = u16::from(self.decimals) + u16::from(shares_decimals);
                divided(scaled(sum, Int::from(shares).into(), up, common)?, self.rounding)?
            }
        };
        Some(Decimal { mantissa: value.into(), decimals: self.decimals })
    }
}

/// A share of a vault in what the vault holds, as `convertToAssets` of ERC-4626 says it of one whole share:
/// `10^d * (assets + virtual assets) / (supply + virtual shares)`.
///
/// OpenZeppelin's vaults have 1 virtual asset and 10^offset virtual shares, and `d` is the asset's decimals plus the
/// offset; Solmate's and Maker's savings vaults have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultShare {
    /// All that it manages (whole tokens of the asset).
    pub assets: PriceId,
    /// All its shares (whole).
    pub supply: PriceId,
    /// Decimals of the asset, which are the rate's.
    pub asset_decimals: u8,
    /// Decimals of a share.
    pub share_decimals: u8,
    /// Raw assets that nobody has.
    pub virtual_assets: U256,
    /// Raw shares that nobody has.
    pub virtual_shares: U256,
    /// Which way the rest goes; the contracts' is down.
    pub rounding: Rounding,
}

impl VaultShare {
    /// Assets of a whole share; `None` where there is no share.
    pub(super) fn rate(&self, assets: Decimal, supply: Decimal) -> Option<Decimal> {
        let assets = raw(assets, self.asset_decimals)?.add(self.virtual_assets)?;
        let supply = raw(supply, self.share_decimals)?.add(self.virtual_shares)?;
        let rate = U256::pow10(self.share_decimals)?.mul_div_wide(assets, supply, self.rounding)?;
        Some(Decimal { mantissa: rate.into(), decimals: self.asset_decimals })
    }
}

/// An amount of a token that has so many decimals. Files that say a finer one are refused; of one that a scenario or a
/// doubt makes the whole units are meant, since there are no others.
pub(super) fn raw(amount: Decimal, decimals: u8) -> Option<U256> {
    amount.cut(decimals).scaled_amount(decimals).ok()
}

/// `of * times / over`, rounded once.
pub(super) fn mul_div(
    of: Decimal,
    times: Decimal,
    over: Decimal,
    decimals: u8,
    rounding: Rounding,
) -> Option<Decimal> {
    let (product, down) = worth([of, times])?;
    let (over, over_decimals) = amount(over)?;
    let up = u16::from(decimals) + u16::from(over_decimals);
    let value = divided(scaled(product, Int::from(over).into(), up, down)?, rounding)?;
    Some(Decimal { mantissa: value.into(), decimals })
}

/// Digits and decimals of a number that is not negative, without zeros at its end: they would only take room.
fn amount(number: Decimal) -> Option<(U256, u8)> {
    let number = number.trimmed();
    Some((number.mantissa.to_u256()?, number.decimals))
}

/// The product of two numbers that are not negative, and its decimals.
fn worth([x, y]: [Decimal; 2]) -> Option<(Wide, u16)> {
    let ((x, x_decimals), (y, y_decimals)) = (amount(x)?, amount(y)?);
    Some((Int::from(x).mul_wide(Int::from(y)), u16::from(x_decimals) + u16::from(y_decimals)))
}

/// Two such products in the finer of their units, and its decimals.
fn in_one_unit(x: (Wide, u16), y: (Wide, u16)) -> Option<([Wide; 2], u16)> {
    let common = x.1.max(y.1);
    Some(([raised(x.0, common - x.1)?, raised(y.0, common - y.1)?], common))
}

/// What two reserves are worth at their prices, in one unit.
pub(super) fn worth_of_sides(x: [Decimal; 2], y: [Decimal; 2]) -> Option<[Wide; 2]> {
    in_one_unit(worth(x)?, worth(y)?).map(|(sides, _)| sides)
}

fn power(exponent: u16) -> Option<U256> {
    U256::pow10(u8::try_from(exponent).ok()?)
}

fn raised(number: Wide, digits: u16) -> Option<Wide> {
    number.mul(power(digits)?)
}

/// A fraction times 10^`up` over 10^`down`: only the difference of the two is multiplied out.
fn scaled(number: Wide, over: Wide, up: u16, down: u16) -> Option<(Wide, Wide)> {
    let common = up.min(down);
    Some((raised(number, up - common)?, raised(over, down - common)?))
}

/// A fraction as a whole number.
fn divided((number, over): (Wide, Wide), rounding: Rounding) -> Option<U256> {
    let (down, rest) = number.div_rem(over)?;
    let more = match rounding {
        Rounding::Up => rest != Wide::ZERO,
        Rounding::HalfUp => rest.add(rest)? >= over,
        Rounding::Exact if rest != Wide::ZERO => return None,
        Rounding::Exact | Rounding::Down | Rounding::TowardZero => false,
    };
    one_more(down.to_int()?.to_u256()?, more)
}

/// The root of a fraction as a whole number.
fn rooted((number, over): (Wide, Wide), rounding: Rounding) -> Option<U256> {
    let (square, rest) = number.div_rem(over)?;
    let down = square.root()?;
    let exact = rest == Wide::ZERO && Int::from(down).mul_wide(Int::from(down)) == square;
    let more = match rounding {
        Rounding::Up => !exact,
        // The whole part of twice the root is odd where a half or more is beyond the root's.
        Rounding::HalfUp => {
            let (fourfold, _) = number.mul(U256::from(4_u64))?.div_rem(over)?;
            fourfold.root()?.bit(0)
        }
        Rounding::Exact if !exact => return None,
        Rounding::Exact | Rounding::Down | Rounding::TowardZero => false,
    };
    one_more(down, more)
}

fn one_more(number: U256, more: bool) -> Option<U256> {
    if more { number.add(U256::ONE) } else { Some(number) }
}
