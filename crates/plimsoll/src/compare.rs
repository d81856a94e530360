//! What another margin model would ask of everybody: two versions of a book's markets, side by side.

use crate::identity::{Identity, identity};
use core::cmp::Reverse;
use plimsoll_core::{
    Assessment, Book, Int, Lens, ListedAccount, Market, Reading, Rounding, Sheet, Standing, Test, U256,
    Verdict,
};

/// Digits after the point of every number of a comparison.
pub const DIGITS: u8 = 18;

/// The scenario that binds one of a client's accounts: the one that is asked the most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The account's place in the book.
    pub account: usize,
    /// The underlying of the greatest loss, or the perp or asset of which the most is asked.
    pub underlying: String,
    /// The scenario, or the tier or weight, in words.
    pub scenario: String,
}

/// What a model asks of a client in a market; amounts in 10^-[`DIGITS`] of the market's currency, raised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// On the initial line, of all accounts.
    pub initial: Int,
    /// On the line of liquidation.
    pub maintenance: Int,
    /// Accounts below the line of liquidation, by their places.
    pub called: Vec<usize>,
    /// Accounts below the initial line.
    pub short: Vec<usize>,
    /// Accounts of which nothing is known; nothing of them is in the sums.
    pub unknown: Vec<usize>,
    /// What binds the account that is asked the most; `None` where no scenario loses anything.
    pub bound: Option<Bound>,
    /// What the worst days on record would have cost; `None` where the model has no day of an underlying.
    pub worst_days: Option<Int>,
}

/// One owner in one market, under both models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Who.
    pub owner: String,
    /// The market's place in the book.
    pub market: usize,
    /// How many accounts.
    pub accounts: usize,
    /// Under the one model and the other.
    pub asks: [Asks; 2],
}

/// Two models compared on a book.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What it was computed from.
    pub identity: Identity,
    /// Everybody with an account in a market that both models are of: whose initial margin grows most first.
    pub clients: Vec<Client>,
    /// Markets that a model is not of, by their places.
    pub left_out: Vec<usize>,
}

impl Client {
    /// Who is called under the second model and was not under the first.
    pub fn newly_called(&self) -> impl Iterator<Item = usize> {
        let [before, after] = &self.asks;
        after
            .called
            .iter()
            .copied()
            .filter(|account| !before.called.contains(account) && !before.unknown.contains(account))
    }

    /// Who was called under the first and is not under the second.
    pub fn released(&self) -> impl Iterator<Item = usize> {
        let [before, after] = &self.asks;
        before
            .called
            .iter()
            .copied()
            .filter(|account| !after.called.contains(account) && !after.unknown.contains(account))
    }

    /// By how much the initial margin grows, and the maintenance margin.
    #[must_use]
    pub fn growth(&self) -> [Option<Int>; 2] {
        let [before, after] = &self.asks;
        [after.initial.sub(before.initial), after.maintenance.sub(before.maintenance)]
    }
}

/// Compares what two versions of each market ask; a market without one of them is left out.
///
/// `versions` has two markets for each of the book's, which read the same prices in the same order.
#[must_use]
pub fn compare(book: &Book, versions: &[Option<[Box<dyn Market>; 2]>]) -> Comparison {
    let quotes = book.graph.quotes(book.at);
    let readings: Vec<Vec<Reading>> =
        book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
    let (mut clients, mut left_out): (Vec<Client>, Vec<usize>) = (Vec::new(), Vec::new());
    for (place, readings) in readings.iter().enumerate() {
        let both = versions.get(place).and_then(Option::as_ref);
        let standing = both.and_then(|[one, other]| {
            let stand = |market| Standing::new(market, readings, Lens::Action, book.at).ok();
            Some([stand(&**one)?, stand(&**other)?])
        });
        let Some(standing) = standing else {
            left_out.push(place);
            continue;
        };
        let mut here: Vec<(Client, [Option<Int>; 2])> = Vec::new();
        for (number, listed) in book.accounts.iter().enumerate().filter(|(_, listed)| listed.market == place)
        {
            let at = here.iter().position(|(client, _)| client.owner == listed.owner).unwrap_or_else(|| {
                let asks = || Asks { worst_days: Some(Int::ZERO), ..Asks::default() };
                let (owner, asks) = (listed.owner.clone(), [asks(), asks()]);
                here.push((Client { owner, market: place, accounts: 0, asks }, [None; 2]));
                here.len() - 1
            });
            let (client, most) = &mut here[at];
            client.accounts += 1;
            for (side, standing) in standing.iter().enumerate() {
                add(&mut client.asks[side], &mut most[side], number, listed, standing);
            }
        }
        clients.extend(here.into_iter().map(|(client, _)| client));
    }
    clients.sort_by_key(|client| Reverse(client.growth()[0]));
    Comparison { identity: identity(book, book.at, &readings), clients, left_out }
}

/// Adds one account to what is asked of its owner.
fn add(
    asks: &mut Asks,
    most: &mut Option<Int>,
    number: usize,
    listed: &ListedAccount,
    standing: &Standing<'_>,
) {
    let seen = [Test::Borrow, Test::Liquidation].map(|test| standing.judge(&listed.account, test));
    let known = seen.iter().all(|judged| judged.verdict().is_some());
    let sheet = standing.quoted().sheet(&listed.account).ok().flatten();
    let scenarios = sheet.is_some();
    let asked =
        |place: usize| seen[place].own.ok().and_then(|seen| raised(&seen, scenarios)).filter(|_| known);
    let sums = asked(0).zip(asked(1)).and_then(|(initial, maintenance)| {
        Some((initial, asks.initial.add(initial)?, asks.maintenance.add(maintenance)?))
    });
    let Some((own, initial, maintenance)) = sums else {
        asks.unknown.push(number);
        return;
    };
    (asks.initial, asks.maintenance) = (initial, maintenance);
    let below = |place: usize| seen[place].verdict() == Some(Verdict::Unhealthy);
    if below(1) {
        asks.called.push(number);
    }
    if below(0) {
        asks.short.push(number);
    }
    let worst = sheet.as_ref().and_then(Sheet::worst_days);
    asks.worst_days = asks.worst_days.zip(worst).and_then(|(sum, lost)| sum.add(lost));
    let bound = match &sheet {
        Some(sheet) => binding(sheet),
        None => standing.quoted().binds(&listed.account).ok().flatten().map(|[of, rule]| (of, rule)),
    };
    if most.is_none_or(|most| own > most)
        && let Some((underlying, scenario)) = bound
    {
        *most = Some(own);
        asks.bound = Some(Bound { account: number, underlying, scenario });
    }
}

/// The underlying of the greatest loss, and its scenario.
fn binding(sheet: &Sheet) -> Option<(String, String)> {
    let worst = sheet.groups.iter().filter_map(|group| Some((group, &group.outcomes[group.binding?])));
    let (group, outcome) = worst.min_by_key(|(_, outcome)| outcome.value)?;
    Some((group.name.clone(), outcome.name.clone()))
}

/// What is asked, in the unit of comparisons, raised: the requirement where scenarios say it; else all that a model takes off what the account is
/// worth (weights and tiers alike), and nothing of whoever owes nothing.
fn raised(seen: &Assessment, scenarios: bool) -> Option<Int> {
    let asked = match scenarios {
        true => seen.requirement,
        false if seen.verdict == Verdict::NoDebt => Int::ZERO,
        false => seen.collateral.sub(seen.debt)?.sub(seen.backing)?.add(seen.requirement)?,
    };
    let decimals = seen.unit.decimals;
    let power = |digits: u8| U256::pow10(digits).map(Int::from);
    if decimals <= DIGITS {
        return asked.mul(power(DIGITS - decimals)?);
    }
    asked.div(power(decimals - DIGITS)?, Rounding::Up)
}
