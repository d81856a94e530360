//! How much an account can borrow and withdraw, so that the next block still lets it.

use crate::ask::{Misasked, asset_of, called};
use crate::identity::{Identity, identity};
use crate::limits::{Limit, borrowable, tradable, withdrawable};
use plimsoll_core::{Book, Judgement, Lens, Reading, Refusal, Standing, Test, Time};

/// The answer about one account.
#[derive(Clone, Debug)]
pub struct Max {
    /// What it was computed from.
    pub identity: Identity,
    /// The account's place in the book.
    pub account: usize,
    /// Whether it is healthy now, and whether a price is in doubt: the amounts rest on what the venue would use.
    pub judgement: Judgement,
    /// Every amount is accepted now, which is the book's own time, …
    pub now: Time,
    /// … and at this time as well, with the interest between.
    pub until: Time,
    /// The largest loan of each asset that the market lists, and of each reserve where it lists one more than once.
    pub borrow: Vec<Most>,
    /// The largest withdrawal of each asset that the account has in.
    pub withdraw: Vec<Most>,
    /// The largest order of each perp at its index: bought, …
    pub buy: Vec<Most>,
    /// … and sold. One lot more is refused.
    pub sell: Vec<Most>,
}

/// The most of one asset.
#[derive(Clone, Debug)]
pub struct Most {
    /// The asset.
    pub asset: String,
    /// What people call it: its reserve's name at a market that lists an asset more than once, else the asset's.
    pub name: String,
    /// Its decimals.
    pub decimals: u8,
    /// How much of it, and why not one unit more.
    pub limit: Limit,
    /// What stands in the way of more.
    pub binds: Binds,
}

/// What stands in the way of one unit more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Binds {
    /// Nothing more is held: ask for "all".
    Held,
    /// The account's health or what its collateral carries.
    Health,
    /// The pool has no more to lend: no cash, or none that receipts stand for.
    Cash,
    /// The market's cap for the asset.
    Cap,
    /// The ceiling of debt against isolated collateral.
    Ceiling,
    /// How much of what is lent there may be owed at a premium: more may be accepted as well as less.
    Premium,
    /// The asset's or the mode's rules: nothing of it at all.
    Rules,
    /// A price is missing, or numbers leave the venue's range.
    World,
}

impl Binds {
    /// The word that people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Binds::Held => "all that is held",
            Binds::Health => "health",
            Binds::Cash => "cash",
            Binds::Cap => "cap",
            Binds::Ceiling => "isolation ceiling",
            Binds::Premium => "premium limit",
            Binds::Rules => "rules",
            Binds::World => "cannot be computed",
        }
    }

    /// What a refusal is about.
    #[must_use]
    pub const fn of(because: Option<&Refusal>) -> Binds {
        match because {
            None | Some(Refusal::AmountTooLarge { .. }) => Binds::Held,
            Some(
                Refusal::WouldBeUnhealthy
                | Refusal::OverCapacity { .. }
                | Refusal::NoBorrowingPower
                | Refusal::BelowMcr { .. }
                | Refusal::BelowBatchMcr { .. },
            ) => Binds::Health,
            Some(Refusal::InsufficientCash { .. } | Refusal::BeyondReceipts { .. }) => Binds::Cash,
            Some(Refusal::SupplyCap(_) | Refusal::BorrowCap(_)) => Binds::Cap,
            Some(Refusal::DebtCeiling(_)) => Binds::Ceiling,
            Some(Refusal::RiskPremiumLimit(_)) => Binds::Premium,
            Some(
                Refusal::PriceUnknown { .. }
                | Refusal::ClockWentBack { .. }
                | Refusal::AccountsMissing
                | Refusal::TotalsMissing(_)
                | Refusal::Overflow(_)
                | Refusal::DivisionByZero(_),
            ) => Binds::World,
            Some(_) => Binds::Rules,
        }
    }
}

/// The most that an account can borrow and withdraw in one action, at any time from the book's own until `seconds`
/// later: each amount is accepted by the venue at both ends, and one unit more is refused at one of them. What others
/// do in the meantime is not foreseen.
///
/// # Errors
/// When the account's market cannot be asked at either time.
pub fn max(book: &Book, account: usize, seconds: u64) -> Result<Max, Misasked> {
    let now = book.at;
    let listed = &book.accounts[account];
    let named = &book.markets[listed.market];
    let market = &*named.market;
    let stands = |refusal| Misasked::Stands { market: named.name.clone(), refusal };
    let until = now.0.checked_add(seconds).map(Time);
    let until = until.ok_or(Refusal::Overflow("time + seconds")).map_err(stands)?;
    let quotes = book.graph.quotes(now);
    let readings: Vec<Vec<Reading>> =
        book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
    let prices = &readings[listed.market];
    let stand = |at| Standing::new(market, prices, Lens::Action, at).map_err(stands);
    let judgement = stand(now)?.judge(&listed.account, Test::Liquidation);
    stand(until)?;
    let most = |limit: Limit| {
        let (asset, decimals) = asset_of(market, limit.instrument);
        let name = called(market, limit.instrument);
        Most { asset, name, decimals, binds: Binds::of(limit.beyond.or(limit.because).as_ref()), limit }
    };
    let times = [now, until];
    let borrow = borrowable(market, prices, &listed.account, &times);
    let withdraw = withdrawable(market, prices, &listed.account, &times);
    let (mut buy, mut sell) = (Vec::new(), Vec::new());
    for (buys, limit) in tradable(market, prices, &listed.account, &times) {
        let side = if buys { &mut buy } else { &mut sell };
        side.push(most(limit));
    }
    Ok(Max {
        identity: identity(book, now, &readings),
        account,
        judgement,
        now,
        until,
        borrow: borrow.into_iter().map(most).collect(),
        withdraw: withdraw.into_iter().map(most).collect(),
        buy,
        sell,
    })
}
