//! Who is healthy, who is not, and by how much.
//!
//! Sums, tiers and exit codes are of the whole book, and each is exact: every account is assessed by both of its venue's
//! lines. What a row says besides (the getter's answer, the venue's own figures, what may still be borrowed, at some venues a
//! search of its own) costs many times that, and is asked only of the accounts that are shown ([`check_some`]). The kernel's
//! screen has no place here: to pack an account takes longer than to assess it, and of whom it lets go the sums must know
//! the worth all the same. It pays where one packed book is asked again and again ([`Stress`](crate::Stress)).

use crate::ask::{asset_of, slot_called};
use crate::identity::Identity;
use crate::limits::{NEXT_BLOCK, lendable};
use crate::ratio::Ratio;
use crate::survey::{Survey, Surveyed, Unsound, currency};
use plimsoll_core::num::Wide;
use plimsoll_core::{
    Account, Assessment, Book, BranchHealth, Certainty, Feeds, Figure, Int, Judgement, Lens, ListedMarket,
    NextPrice, Quote, Reading, Refusal, Renewed, Running, Sheet, Sight, Standing, Test, Time, Verdict, Why,
};
use std::collections::BTreeMap;

/// How near an account is to its line, from calm to lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Nothing is owed.
    NoDebt,
    /// Health of the ladder's first step and more.
    Safe,
    /// Below it.
    Moderate,
    /// Below the second.
    High,
    /// Below the third, still above the line.
    Critical,
    /// Below the line by the venue's own test.
    Liquidatable,
    /// It depends on a price that we do not trust, or the venue itself has no answer: a number does not fit where its
    /// contract would revert, or the account contradicts itself. Such an account is never called safe.
    Unknown,
}

impl Tier {
    /// All of them, from calm to lost.
    pub const ALL: [Tier; 7] = [
        Tier::NoDebt,
        Tier::Safe,
        Tier::Moderate,
        Tier::High,
        Tier::Critical,
        Tier::Liquidatable,
        Tier::Unknown,
    ];

    /// The word that people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Tier::NoDebt => "no debt",
            Tier::Safe => "safe",
            Tier::Moderate => "moderate",
            Tier::High => "high",
            Tier::Critical => "critical",
            Tier::Liquidatable => "liquidatable",
            Tier::Unknown => "unknown",
        }
    }
}

/// Where the tiers begin, in percent of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// From here on an account is safe (%).
    pub safe: u64,
    /// From here on its risk is moderate (%).
    pub moderate: u64,
    /// From here on its risk is high; below, critical (%).
    pub high: u64,
}

impl Default for Ladder {
    fn default() -> Ladder {
        Ladder { safe: 200, moderate: 150, high: 120 }
    }
}

impl Ladder {
    /// The tier of a judged account.
    #[must_use]
    pub fn tier(&self, judgement: &Judgement, health: Option<&Ratio>) -> Tier {
        match judgement.verdict() {
            None => return Tier::Unknown,
            Some(Verdict::NoDebt) => return Tier::NoDebt,
            Some(Verdict::Unhealthy) => return Tier::Liquidatable,
            Some(Verdict::Healthy) => {}
        }
        let reaches = |percent: u64| match (judgement.certainty, health) {
            // Healthy whatever a doubtful price is: but how healthy depends on it.
            (Certainty::Safe { at_least, .. }, _) => at_least >= percent,
            (_, Some(health)) => health.compare(percent, 100).is_ge(),
            // Owing what the venue values at nothing.
            (_, None) => true,
        };
        let steps = [(self.safe, Tier::Safe), (self.moderate, Tier::Moderate), (self.high, Tier::High)];
        steps.into_iter().find(|(percent, _)| reaches(*percent)).map_or(Tier::Critical, |(_, tier)| tier)
    }
}

/// One account, answered.
#[derive(Clone, Debug)]
pub struct Row {
    /// The account's place in the book.
    pub account: usize,
    /// By the line of liquidation, as the liquidating call would find it.
    pub liquidation: Judgement,
    /// By the line of borrowing.
    pub borrowing: Judgement,
    /// By the line of liquidation as the getter answers now, where that is another verdict.
    pub view: Option<Assessment>,
    /// In the venue's own words.
    pub own: Vec<Figure>,
    /// Unweighted collateral over debt.
    pub ratio: Option<Ratio>,
    /// The ratio at which this account, as composed, is liquidated.
    pub minimum: Option<Ratio>,
    /// Ratio less minimum (percentage points, 4 digits); negative below the line.
    pub buffer: Option<Int>,
    /// Backing over requirement: 1 is the line.
    pub health: Option<Ratio>,
    /// What may still be borrowed (account unit).
    pub available: Option<Int>,
    /// Why not a unit more; `None` where the account's own line says it.
    pub available_because: Option<Refusal>,
    /// How the branch of which it is a part stands, at venues that have branches.
    pub branch: Option<BranchHealth>,
    /// What each scenario does to it, at venues that margin by scenarios.
    pub sheet: Option<Sheet>,
    /// How it stands under the parameters that its next risk is judged by, where those are others than it is judged by now.
    pub renewed: Option<Renewed>,
    /// What it owes and the least that its market lets anybody owe, where that is more.
    pub below_least: Option<[Figure; 2]>,
    /// Backing less requirement of the line of liquidation (account unit); negative is a shortfall.
    pub excess: Option<Int>,
    /// How near the line.
    pub tier: Tier,
    /// The price on its way to the venue at which it will be below the line, where it is above it now.
    pub coming: Option<NextPrice>,
}

/// Sums over the accounts of one currency and unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The currency that is summed.
    pub currency: String,
    /// Decimals of the sums.
    pub decimals: u8,
    /// Accounts whose values are in the sums.
    pub accounts: u64,
    /// All collateral at full value.
    pub collateral: Int,
    /// All debt.
    pub debt: Int,
    /// Collateral of the liquidatable accounts.
    pub collateral_liquidatable: Int,
    /// Debt of the liquidatable accounts.
    pub debt_liquidatable: Int,
    /// Debt that exceeds its account's collateral at full value.
    pub uncovered: Int,
}

impl Total {
    /// Two sums, each times a factor, in the unit of the first.
    pub(crate) fn sum(&self, other: &Total, [one, by]: [Int; 2]) -> Option<Total> {
        let add = |x: Int, y: Int| x.mul(one)?.add(y.mul(by)?);
        Some(Total {
            currency: self.currency.clone(),
            decimals: self.decimals,
            accounts: self.accounts + other.accounts,
            collateral: add(self.collateral, other.collateral)?,
            debt: add(self.debt, other.debt)?,
            collateral_liquidatable: add(self.collateral_liquidatable, other.collateral_liquidatable)?,
            debt_liquidatable: add(self.debt_liquidatable, other.debt_liquidatable)?,
            uncovered: add(self.uncovered, other.uncovered)?,
        })
    }
}

/// A market of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketInfo {
    /// Its name in the book.
    pub name: String,
    /// The venue.
    pub venue: &'static str,
    /// The venue's revision.
    pub revision: &'static str,
    /// The currency of its values.
    pub currency: String,
    /// When its state was last brought up to date; where it has several parts, the oldest of them.
    pub updated: Time,
    /// The prices it reads.
    pub prices: Vec<PriceAge>,
    /// The prices that it keeps itself: what is in force, and what is queued.
    pub kept: Vec<Figure>,
    /// The auctions that run in it.
    pub auctions: Vec<Auction>,
}

/// An auction of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auction {
    /// Whose position it was: the account's name, where the book has it.
    pub of: String,
    /// The asset that is sold.
    pub asset: String,
    /// Its decimals.
    pub decimals: u8,
    /// How it stands.
    pub running: Running,
}

/// A price of the answer, with its age and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceAge {
    /// The asset it prices.
    pub asset: String,
    /// What people call that: its reserve's name at a market that lists an asset more than once, else the asset's.
    pub name: String,
    /// The price's name in the book; empty where the market names none.
    pub feed: String,
    /// Which question it answers: oracle, market, redemption, or how it is derived.
    pub kind: &'static str,
    /// Its value in the venue's integers.
    pub value: Option<Int>,
    /// What it is counted in.
    pub currency: String,
    /// Decimals of that integer.
    pub decimals: u8,
    /// Seconds since it (or its oldest part) was observed.
    pub age: Option<u64>,
    /// What is wrong with it.
    pub doubt: Option<Why>,
    /// What it sees of the market; `None` where that cannot be told.
    pub sight: Option<Sight>,
}

/// What decides whether an account is shown, and where.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Its place in the book.
    pub account: usize,
    /// How near the line.
    pub tier: Tier,
    /// Backing over requirement.
    pub health: Option<Ratio>,
    /// What may be relied upon by the line of liquidation; `None` is unknown.
    pub verdict: Option<Verdict>,
    /// The venue's own verdict by that line; `None` where it has no answer.
    pub own: Option<Verdict>,
    /// What it owes by the line of borrowing (account unit); zero where the venue has no answer.
    pub debt: Int,
}

/// The whole answer.
#[derive(Clone, Debug)]
pub struct Check {
    /// What it was computed from.
    pub identity: Identity,
    /// The markets.
    pub markets: Vec<MarketInfo>,
    /// How many accounts there are.
    pub accounts: u64,
    /// The accounts that are shown: every one, worst first (unknown, then by health, then those without debt), or those that
    /// were chosen, in that order.
    pub rows: Vec<Row>,
    /// Sums, by currency.
    pub totals: Vec<Total>,
    /// How many accounts are in each tier.
    pub tiers: BTreeMap<Tier, u64>,
    /// How many are above their line, and will be below it by a price that is on its way to their venue.
    pub coming: u64,
    severity: Severity,
}

/// How bad the worst of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Every account is healthy.
    Calm,
    /// Something is unknown.
    Unknown,
    /// Some account is unhealthy by its venue's own test, or will be by a price that is on its way to the venue.
    Unhealthy,
}

impl Check {
    /// The worst of it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }
}

/// Judges every account of a book at a time.
///
/// # Errors
/// When a market cannot stand at that time: it is before the market's own state, or an index overflows. Names the
/// market.
pub fn check(book: &Book, at: Time, ladder: &Ladder) -> Result<Check, Unsound> {
    let mut survey = Survey::new(book, at, ladder)?;
    let mut rows: Vec<Row> = book.accounts.iter().map(|listed| survey.row(listed)).collect();
    rows.sort_by(|x, y| {
        worse_first((x.tier, &x.health), (y.tier, &y.health)).then(x.account.cmp(&y.account))
    });
    Ok(answer(survey.finish(), rows))
}

/// [`check`] with the rows of some accounts only. `choose` is handed all of them, worst first, and gives the places of those
/// that are shown, in the order of their rows.
///
/// # Errors
/// As [`check`].
pub fn check_some(
    book: &Book,
    at: Time,
    ladder: &Ladder,
    choose: impl FnOnce(&[Seen]) -> Vec<usize>,
) -> Result<Check, Unsound> {
    let mut survey = Survey::new(book, at, ladder)?;
    let mut seen: Vec<Seen> = book.accounts.iter().map(|listed| survey.judge(listed)).collect();
    seen.sort_by(|x, y| {
        worse_first((x.tier, &x.health), (y.tier, &y.health)).then(x.account.cmp(&y.account))
    });
    let chosen = choose(&seen);
    drop(seen);
    let rows = chosen.into_iter().map(|place| survey.row_of(place, &book.accounts[place])).collect();
    Ok(answer(survey.finish(), rows))
}

fn answer(surveyed: Surveyed, rows: Vec<Row>) -> Check {
    let Surveyed { identity, markets, totals, tiers, accounts, coming, severity } = surveyed;
    Check { identity, markets, accounts, rows, totals, tiers, coming, severity }
}

/// Judges one account of a book at the book's own time.
///
/// # Errors
/// When the account's market cannot stand at that time.
pub(crate) fn row_of(book: &Book, place: usize, ladder: &Ladder) -> Result<Row, Refusal> {
    let listed = &book.accounts[place];
    let market = &book.markets[listed.market];
    let readings = book.readings(market, &book.graph.quotes(book.at));
    let stand = |lens| Standing::new(&*market.market, &readings, lens, book.at);
    Ok(row(place, &listed.account, &readings, &stand(Lens::Action)?, &stand(Lens::View)?, ladder))
}

/// The price on its way to the venue at which an account will be below the line, where it is not so now.
pub(crate) fn coming(action: &Standing<'_>, account: &Account, liquidation: &Judgement) -> Option<NextPrice> {
    let below = liquidation.own.is_ok_and(|own| own.verdict == Verdict::Unhealthy)
        || liquidation.verdict() == Some(Verdict::Unhealthy);
    if below { None } else { action.quoted().coming(account, Test::Liquidation) }
}

/// The same of an account of a book, at the book's own time.
///
/// # Errors
/// When the account's market cannot stand at that time.
pub fn coming_for(book: &Book, place: usize) -> Result<Option<NextPrice>, Refusal> {
    let listed = &book.accounts[place];
    let market = &book.markets[listed.market];
    let readings = book.readings(market, &book.graph.quotes(book.at));
    let action = Standing::new(&*market.market, &readings, Lens::Action, book.at)?;
    let liquidation = action.judge(&listed.account, Test::Liquidation);
    Ok(coming(&action, &listed.account, &liquidation))
}

/// How an account of a book stands under the parameters that its next risk is judged by, at the book's own time; `None` where it
/// is judged by those already, or the venue has no answer.
#[must_use]
pub fn renewed_for(book: &Book, place: usize) -> Option<Renewed> {
    let listed = &book.accounts[place];
    let market = &book.markets[listed.market];
    let readings = book.readings(market, &book.graph.quotes(book.at));
    let quoted = market.market.at(Feeds { readings: &readings }, Lens::Action, book.at).ok()?;
    quoted.renewed(&listed.account).ok().flatten()
}

fn worse_first(
    (x, health_of_x): (Tier, &Option<Ratio>),
    (y, health_of_y): (Tier, &Option<Ratio>),
) -> core::cmp::Ordering {
    let rank = |tier: Tier| match tier {
        Tier::Unknown => 0,
        Tier::NoDebt => 2,
        _ => 1,
    };
    rank(x).cmp(&rank(y)).then_with(|| least((Some(x), health_of_x), (Some(y), health_of_y)))
}

/// The least healthy first: before all others the liquidatable without a health, whose backing is below zero; of others without one, last.
pub(crate) fn least(
    x: (Option<Tier>, &Option<Ratio>),
    y: (Option<Tier>, &Option<Ratio>),
) -> core::cmp::Ordering {
    let place = |(tier, health): (Option<Tier>, &Option<Ratio>)| match health {
        None if tier == Some(Tier::Liquidatable) => 0,
        Some(_) => 1,
        None => 2,
    };
    place(x).cmp(&place(y)).then_with(|| x.1.as_ref().cmp(&y.1.as_ref()))
}

pub(crate) fn row(
    place: usize,
    account: &plimsoll_core::Account,
    readings: &[Reading],
    action: &Standing<'_>,
    view: &Standing<'_>,
    ladder: &Ladder,
) -> Row {
    let liquidation = action.judge(account, Test::Liquidation);
    let borrowing = action.judge(account, Test::Borrow);
    let seen = view.quoted().verdict(account, Test::Liquidation).ok();
    let own = action.quoted().figures(account).unwrap_or_default();
    let assessed = liquidation.own.ok();
    let owing = assessed.filter(|a| a.verdict != Verdict::NoDebt);
    let health = health(&liquidation);
    let ratio = owing.and_then(|a| Ratio::of(a.collateral, a.debt));
    // Of a position less is asked than it owes, and scenarios ask by what may happen: no ratio of collateral to debt stands for such lines.
    let instruments = action.market().instruments();
    let kind = |id: plimsoll_core::InstrumentId| instruments.get(id.index()).map(|spec| spec.kind);
    let positions =
        account.holdings().iter().any(|held| kind(held.instrument) == Some(plimsoll_core::Kind::Derivative));
    let sheet = action.quoted().sheet(account).ok().flatten();
    let minimum = owing.filter(|_| !positions && sheet.is_none()).and_then(|a| minimum(&a));
    let headroom = |a: &Assessment| a.backing.sub(a.requirement);
    let market = action.market();
    let (available, available_because) = match (borrowing.own, market.asked()) {
        (Err(_), _) => (None, None),
        (Ok(a), None) => (available(&a), None),
        (Ok(_), Some(debt)) => {
            let limit =
                lendable(market, readings, account, debt, &[action.time(), action.time().plus(NEXT_BLOCK)]);
            ((!limit.is_unknown()).then(|| limit.amount.into()), limit.beyond.or(limit.because))
        }
    };
    Row {
        account: place,
        tier: ladder.tier(&liquidation, health.as_ref()),
        view: seen.filter(|seen| assessed.is_some_and(|a| a.verdict != seen.verdict)),
        own,
        buffer: ratio.zip(minimum).and_then(|(ratio, minimum)| buffer(&ratio, &minimum)),
        ratio,
        minimum,
        health,
        available,
        available_because,
        branch: action.quoted().branch(account).ok().flatten(),
        sheet,
        renewed: action.quoted().renewed(account).ok().flatten(),
        below_least: market.below_least(account, action.time()),
        excess: owing.as_ref().and_then(headroom),
        coming: coming(action, account, &liquidation),
        liquidation,
        borrowing,
    }
}

/// What may be owed more by the account's own line, where that says it.
fn available(a: &Assessment) -> Option<Int> {
    Some(a.backing.sub(a.requirement)?.max(Int::ZERO))
}

/// Backing over requirement, where something is owed.
pub(crate) fn health(judgement: &Judgement) -> Option<Ratio> {
    let owing = judgement.own.ok().filter(|own| own.verdict != Verdict::NoDebt)?;
    Ratio::of(owing.backing, owing.requirement)
}

/// Collateral over what of it backs: where requirement is the debt, the ratio at which backing would just meet it. Where
/// all of the collateral backs, the venue weighs the debt instead.
fn minimum(a: &Assessment) -> Option<Ratio> {
    if a.backing == a.collateral && !a.backing.is_zero() {
        return Ratio::of(a.requirement, a.debt);
    }
    Ratio::of(a.collateral, a.backing)
}

/// Difference of two ratios in percentage points with four digits; the rest is cut downward, away from safety.
fn buffer(ratio: &Ratio, minimum: &Ratio) -> Option<Int> {
    let (more, more_rest) = points(ratio)?;
    let (less, less_rest) = points(minimum)?;
    // The rests are fractions of different denominators.
    let more_rest = more_rest.mul_wide(minimum.denominator().into());
    let less_rest = less_rest.mul_wide(ratio.denominator().into());
    let borrowed = if more_rest < less_rest { Int::ONE } else { Int::ZERO };
    more.sub(less)?.sub(borrowed)
}

/// Whole 1e-4 percentage points of a ratio, and what the division leaves.
fn points(ratio: &Ratio) -> Option<(Int, Int)> {
    let scaled: Wide = Int::from(ratio.numerator).mul_wide(Int::new(1_000_000));
    let whole = scaled.div_down(ratio.denominator())?;
    let rest = scaled.sub(whole.mul_wide(ratio.denominator().into()))?;
    Some((whole, rest.to_int()?))
}

pub(crate) fn market_info(
    book: &Book,
    m: usize,
    quotes: &[Quote],
    readings: &[Reading],
    at: Time,
) -> MarketInfo {
    let listed = &book.markets[m];
    let (venue, revision) = listed.market.venue();
    let slots = listed.market.slots().iter().enumerate();
    let prices = slots
        .map(|(slot, spec)| {
            let wired = listed.wiring.get(slot).copied().flatten();
            let price = wired.and_then(|id| book.graph.price(id));
            let observed = wired.and_then(|id| quotes.get(id.0 as usize)).and_then(|quote| quote.observed_at);
            PriceAge {
                asset: spec.asset.clone(),
                name: slot_called(&*listed.market, slot),
                feed: price.map_or_else(String::new, |price| price.name.clone()),
                kind: price.map_or("none", |price| kind(&price.origin)),
                value: readings[slot].value.map(Int::from),
                currency: spec.currency.clone(),
                decimals: spec.decimals,
                age: observed.and_then(|observed| at.since(observed)),
                doubt: readings[slot].doubt,
                sight: wired.and_then(|id| Some(book.graph.look(quotes, id, at)?.sight)),
            }
        })
        .collect();
    MarketInfo {
        name: listed.name.clone(),
        venue,
        revision,
        currency: currency(&*listed.market),
        updated: oldest(&*listed.market),
        prices,
        kept: listed.market.kept(),
        auctions: listed
            .market
            .running(at)
            .into_iter()
            .map(|running| auction(book, listed, running))
            .collect(),
    }
}

fn auction(book: &Book, listed: &ListedMarket, running: Running) -> Auction {
    let (asset, decimals) = asset_of(&*listed.market, running.lot.0);
    let account = usize::try_from(running.account.0).ok().and_then(|place| book.accounts.get(place));
    let of = account.map_or_else(|| running.account.0.to_string(), |listed| listed.name.clone());
    Auction { of, asset, decimals, running }
}

/// When the part of the market's state was brought up to date that is oldest.
fn oldest(market: &dyn plimsoll_core::Market) -> Time {
    let mut oldest = market.updated();
    market.visit(&mut |_, name, _, value| {
        if name == "last_update"
            && let Some(time) = value.to_u64()
        {
            oldest = oldest.min(Time(time));
        }
    });
    oldest
}

pub(crate) fn kind(origin: &plimsoll_core::Origin) -> &'static str {
    use plimsoll_core::{Origin, PoolShare, PoolValue};
    match origin {
        Origin::Feed(observation) => observation.kind.name(),
        Origin::Constant(_) => "constant",
        Origin::Product { .. } => "product",
        Origin::Quotient { .. } => "quotient",
        Origin::MulDiv { .. } => "product over a divisor",
        Origin::RateCap(_) => "capped rate",
        Origin::PoolShare(PoolShare { value: PoolValue::Fair, .. }) => "pool share, fair",
        Origin::PoolShare(PoolShare { value: PoolValue::Reserves, .. }) => "pool share by its reserves",
        Origin::VaultShare(_) => "vault share",
        Origin::Least { .. } => "capped",
        Origin::Greatest { .. } => "floored",
    }
}
