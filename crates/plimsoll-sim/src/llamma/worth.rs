//! What a depositor owns, and what it would become.

use super::{DEAD, ONE, Pool, at, down, root};
use plimsoll_core::{Rounding, U256};

impl Pool {
    /// Stablecoin and collateral that are a depositor's now; nothing for others, `None` where a number does not fit.
    #[must_use]
    pub fn held(&self, who: u64) -> Option<[U256; 2]> {
        let mut sums = [U256::ZERO; 2];
        let Some(deposit) = self.deposits.get(&who) else { return Some(sums) };
        for (band, mine) in (deposit.first..).zip(&deposit.shares) {
            let all = at(&self.shares, band).add(DEAD)?;
            for (sum, held) in sums.iter_mut().zip([at(&self.stable, band), at(&self.collateral, band)]) {
                *sum = sum.add(down(held.add(U256::ONE)?, *mine, all)?)?;
            }
        }
        Some(sums)
    }

    /// The stablecoin that a depositor would have if the oracle's price fell below all his bands so slowly that the pool lost nothing.
    #[must_use]
    pub fn stable_down(&self, who: u64) -> Option<U256> {
        self.adiabatic(who, false)
    }

    /// The collateral that he would have if it rose above them.
    #[must_use]
    pub fn collateral_up(&self, who: u64) -> Option<U256> {
        self.adiabatic(who, true)
    }

    fn adiabatic(&self, who: u64, up: bool) -> Option<U256> {
        let mut sum = U256::ZERO;
        let Some(deposit) = self.deposits.get(&who) else { return Some(sum) };
        let (a, less) = (U256::from(self.terms.a), U256::from(self.terms.a - 1));
        let mut lower = self.edge(deposit.first)?;
        for (band, mine) in (deposit.first..).zip(&deposit.shares) {
            let upper = lower;
            lower = down(lower, less, a)?;
            let x = if band <= self.active { at(&self.stable, band) } else { U256::ZERO };
            let y = if band >= self.active { at(&self.collateral, band) } else { U256::ZERO };
            let all = at(&self.shares, band);
            if (x == U256::ZERO && y == U256::ZERO) || all == U256::ZERO || *mine == U256::ZERO {
                continue;
            }
            let whole = self.converted(x, y, [lower, upper], up)?;
            sum = sum.add(down(whole, *mine, all.add(DEAD)?)?)?;
        }
        Some(sum)
    }

    /// What a whole band becomes: first traded to the oracle's price, then along with it to beyond the band.
    fn converted(&self, x: U256, y: U256, [lower, upper]: [U256; 2], up: bool) -> Option<U256> {
        let (a, p) = (U256::from(self.terms.a), self.price);
        let to_stable = |y: U256| y.mul_div(upper, self.root, Rounding::Down);
        let to_collateral = |x: U256| x.mul_div(self.root, upper, Rounding::Down);
        let one_sided = x == U256::ZERO || y == U256::ZERO;
        if one_sided && (p > upper || p < lower) {
            // The middle of the band's own prices, at which all of it changes hands.
            let middle = p.mul(p)?.div(lower, Rounding::Down)?.mul_div(p, upper, Rounding::Down)?;
            if p > upper {
                let all = if y == U256::ZERO { x.mul_div(ONE, middle, Rounding::Down)? } else { y };
                return if up { Some(all) } else { to_stable(all) };
            }
            let all = if x == U256::ZERO { down(y, middle, ONE)? } else { x };
            return if up { to_collateral(all) } else { Some(all) };
        }
        let band = self.band(x, y, upper)?;
        if p > upper {
            let all = band.whole.div(band.f, Rounding::Down)?.sub_or_zero(band.g);
            return if up { Some(all) } else { to_stable(all) };
        }
        if p < lower {
            let all = band.whole.div(band.g, Rounding::Down)?.sub_or_zero(band.f);
            return if up { to_collateral(all) } else { Some(all) };
        }
        let whole = self.whole(x, y, upper)?;
        let y_then = a.mul(whole)?.mul_div(p.sub(lower)?, p, Rounding::Down)?;
        let x_then = band.whole.div(band.g.add(y_then)?, Rounding::Down)?.sub_or_zero(band.f);
        if up {
            y_then.add(x_then.mul_div(ONE, root(upper.mul(p)?)?, Rounding::Down)?)
        } else {
            x_then.add(y_then.mul_div(root(lower.mul(p)?)?, ONE, Rounding::Down)?)
        }
    }
}
