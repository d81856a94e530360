//! How one account's numbers came about: the steps that the venue's own code path took.

use crate::ask::{asset_decimals, called};
use crate::check::{Ladder, Row, kind, row};
use crate::identity::{Identity, identity};
use crate::limits::{Limit, borrowable, withdrawable};
use plimsoll_core::{
    Balance, Book, Decimal, InstrumentId, Lens, Meaning, Origin, PriceId, Quote, Reading, Refusal, Rounding,
    Standing, Step, Subject, TermSpec, Test, Time, Trace, U256, Verdict, Why,
};
use std::collections::BTreeSet;

/// What was computed about one thing, in order.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it is about, such as `aWETH held`.
    pub title: String,
    /// The steps.
    pub steps: Vec<Step>,
}

/// A holding, with interest and value.
#[derive(Clone, Debug)]
pub struct HoldingLine {
    /// The instrument's name.
    pub instrument: String,
    /// The asset behind it.
    pub asset: String,
    /// Decimals of the asset.
    pub decimals: u8,
    /// What is stored, in the instrument's own integers.
    pub quantity: plimsoll_core::Int,
    /// What it is worth.
    pub balance: Result<Balance, Refusal>,
}

/// One account, explained.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What it was computed from.
    pub identity: Identity,
    /// The account's place in the book.
    pub account: usize,
    /// Everything held.
    pub holdings: Vec<HoldingLine>,
    /// The terms it is held under.
    pub terms: Vec<TermLine>,
    /// The prices that the market reads of what the account holds.
    pub readings: Vec<PriceRead>,
    /// Where those come from: every price that they rest on, derived ones before their legs.
    pub prices: Vec<PriceLine>,
    /// What `check` says of it: judgements, ratios, tier, and what the venue itself says.
    pub row: Row,
    /// Every step to the liquidation line.
    pub liquidation: Vec<Section>,
    /// Every step to the borrowing line.
    pub borrowing: Vec<Section>,
    /// How much of each receipt can be withdrawn now.
    pub withdrawable: Vec<Allowance>,
    /// How much of each asset can be borrowed now.
    pub borrowable: Vec<Allowance>,
}

/// A term that an account is held under.
#[derive(Clone, Debug)]
pub struct TermLine {
    /// Its name.
    pub name: String,
    /// Its number.
    pub value: plimsoll_core::Int,
    /// What the number stands for: an account's name, or a word; `None` where it is a number.
    pub means: Option<String>,
}

/// How much of an asset can go in one action.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// The asset.
    pub asset: String,
    /// What people call it: its reserve's name at a market that lists an asset more than once, else the asset's.
    pub name: String,
    /// Its decimals.
    pub decimals: u8,
    /// How much of it, and why not more.
    pub limit: Limit,
    /// What is wrong with a price that it depends on.
    pub doubt: Option<Why>,
}

/// A price as the market reads it.
#[derive(Clone, Debug)]
pub struct PriceRead {
    /// The asset that it prices.
    pub asset: String,
    /// The price's name in the book; `None` where the market names none.
    pub price: Option<String>,
    /// The integer, the currency that it counts, and its decimals.
    pub value: Option<U256>,
    /// The currency.
    pub currency: String,
    /// Digits of the integer after the point.
    pub decimals: u8,
    /// What is wrong with it.
    pub doubt: Option<Why>,
}

/// A price of the book, and how it came about.
#[derive(Clone, Debug)]
pub struct PriceLine {
    /// Its name.
    pub name: String,
    /// What it counts.
    pub unit: String,
    /// Its value; `None` where there is none.
    pub value: Option<Decimal>,
    /// What is wrong with it.
    pub doubt: Option<Why>,
    /// Which question it answers (oracle, market, redemption), or the rule that derives it.
    pub kind: &'static str,
    /// The names of what it is derived from.
    pub legs: Vec<String>,
    /// To how many digits it is rounded, and which way.
    pub rounding: Option<(u8, Rounding)>,
    /// Who says so; `None` for what is derived or assumed.
    pub source: Option<String>,
    /// When it, or its oldest leg, was observed.
    pub observed_at: Option<Time>,
    /// How long ago that was (s).
    pub age: Option<u64>,
}

/// Explains one account at a time.
///
/// # Errors
/// When its market cannot stand at that time.
pub fn explain(book: &Book, account: usize, at: Time, ladder: &Ladder) -> Result<Explanation, Refusal> {
    let quotes = book.graph.quotes(at);
    let readings: Vec<Vec<Reading>> =
        book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
    let listed = &book.accounts[account];
    let market = &*book.markets[listed.market].market;
    let standing = Standing::new(market, &readings[listed.market], Lens::Action, at)?;
    let view = Standing::new(market, &readings[listed.market], Lens::View, at)?;
    let row = row(account, &listed.account, &readings[listed.market], &standing, &view, ladder);
    let quoted = standing.quoted();
    let instruments = market.instruments();
    let title = |subject: Subject| -> String {
        let of = |id: InstrumentId| instruments.get(id.index()).map_or("?", |i| i.name.as_str());
        match subject {
            Subject::Market => "the market".into(),
            Subject::Account => "the account".into(),
            Subject::Instrument(id) => format!("{}, for everybody", of(id)),
            Subject::Holding(id) => format!("{} of this account", of(id)),
        }
    };
    let line = |test: Test| {
        let mut recorder = Recorder::default();
        // A refusal stands in the judgement; the steps up to it are shown all the same.
        let _ = quoted.assess(&listed.account, test, &mut recorder);
        let sections = recorder.sections.into_iter().filter(|(_, steps)| !steps.is_empty());
        sections.map(|(subject, steps)| Section { title: title(subject), steps }).collect()
    };
    let holdings = listed.account.holdings().iter().map(|holding| {
        let instrument = instruments.get(holding.instrument.index());
        HoldingLine {
            instrument: instrument.map_or_else(|| "?".into(), |i| i.name.clone()),
            asset: instrument.map_or_else(|| "?".into(), |i| i.asset.clone()),
            decimals: instrument.map_or(0, |i| asset_decimals(market, &i.asset).unwrap_or(i.decimals)),
            quantity: holding.quantity,
            balance: quoted.balance(&listed.account, holding.instrument),
        }
    });
    let prices = &readings[listed.market];
    let held = |asset: &str| {
        let holdings = listed.account.holdings().iter();
        holdings.filter_map(|h| instruments.get(h.instrument.index())).any(|i| i.asset == asset)
    };
    // A price of no asset, such as an e-mode's, may be any of them's.
    let listed_asset = |asset: &str| instruments.iter().any(|i| i.asset == asset);
    let slots = || market.slots().iter().zip(prices);
    let doubt_of = |asset: &str| {
        let of = |slot: &str| slot == asset || held(slot) || !listed_asset(slot);
        slots().filter(|(slot, _)| of(&slot.asset)).find_map(|(_, reading)| reading.doubt)
    };
    let owes = !matches!(row.liquidation.own, Ok(own) if own.verdict == Verdict::NoDebt);
    let allowance = |limit: Limit, priced: bool| {
        let instrument = instruments.get(limit.instrument.index());
        let asset = instrument.map_or_else(|| "?".into(), |i| i.asset.clone());
        // A receipt or debt may have more decimals than its asset, in which limits are counted.
        let decimals = instrument.map_or(0, |i| asset_decimals(market, &i.asset).unwrap_or(i.decimals));
        let doubt = if priced { doubt_of(&asset) } else { None };
        Allowance { doubt, asset, name: called(market, limit.instrument), decimals, limit }
    };
    let withdrawable = withdrawable(market, prices, &listed.account, &[at]);
    let borrowable = borrowable(market, prices, &listed.account, &[at]);
    let borrowable = borrowable.into_iter().filter(|limit| limit.amount != U256::ZERO);
    let term = |spec: &TermSpec| {
        let value = listed.account.term(spec.id);
        let means = market.meaning(spec.id, &value).and_then(|meaning| match meaning {
            Meaning::Word(word) => Some(word),
            Meaning::Account(id) => {
                let named =
                    book.accounts.iter().find(|one| one.market == listed.market && one.account.id == id);
                named.map(|one| one.name.clone())
            }
        });
        TermLine { name: spec.name.to_string(), value, means }
    };
    let terms: Vec<_> = market.terms().iter().map(term).filter(|term| !term.value.is_zero()).collect();
    let wiring = &book.markets[listed.market].wiring;
    let read = |slot: usize| {
        let spec = &market.slots()[slot];
        let Reading { value, doubt, .. } = prices[slot];
        let wired = wiring.get(slot).copied().flatten();
        let price = wired.and_then(|id| book.graph.price(id)).map(|price| price.name.clone());
        let (asset, currency) = (spec.asset.clone(), spec.currency.clone());
        PriceRead { asset, price, value, currency, decimals: spec.decimals, doubt }
    };
    let shown = |asset: &str| held(asset) || (!listed_asset(asset) && !terms.is_empty());
    let shown: Vec<usize> =
        (0..market.slots().len()).filter(|slot| shown(&market.slots()[*slot].asset)).collect();
    let wired = shown.iter().filter_map(|slot| wiring.get(*slot).copied().flatten());
    Ok(Explanation {
        identity: identity(book, at, &readings),
        account,
        holdings: holdings.collect(),
        terms,
        readings: shown.iter().map(|slot| read(*slot)).collect(),
        prices: price_lines(book, &quotes, at, wired.collect()),
        liquidation: line(Test::Liquidation),
        borrowing: line(Test::Borrow),
        row,
        withdrawable: withdrawable.into_iter().map(|limit| allowance(limit, owes)).collect(),
        borrowable: borrowable.map(|limit| allowance(limit, true)).collect(),
    })
}

/// Every price that these rest on, each once.
fn price_lines(book: &Book, quotes: &[Quote], at: Time, mut open: Vec<PriceId>) -> Vec<PriceLine> {
    let mut ids = BTreeSet::new();
    while let Some(id) = open.pop() {
        if let Some(price) = book.graph.price(id)
            && ids.insert(id)
        {
            open.extend(price.origin.legs());
        }
    }
    // In the graph legs stand before what is built on them.
    let lines = ids.into_iter().rev().filter_map(|id| {
        let (price, quote) = (book.graph.price(id)?, quotes.get(id.0 as usize)?);
        let legs = price.origin.legs().into_iter().filter_map(|leg| book.graph.price(leg));
        let rounding = price.origin.decimals().zip(price.origin.rounding());
        let source = match &price.origin {
            Origin::Feed(observation) => Some(observation.source.clone()),
            _ => None,
        };
        Some(PriceLine {
            name: price.name.clone(),
            unit: price.unit.to_string(),
            value: quote.value,
            doubt: quote.doubt,
            kind: kind(&price.origin),
            legs: legs.map(|leg| leg.name.clone()).collect(),
            rounding,
            source,
            observed_at: quote.observed_at,
            age: quote.observed_at.and_then(|observed| at.since(observed)),
        })
    });
    lines.collect()
}

#[derive(Default)]
struct Recorder {
    sections: Vec<(Subject, Vec<Step>)>,
}

impl Trace for Recorder {
    fn listens(&self) -> bool {
        true
    }

    fn about(&mut self, subject: Subject) {
        if self.sections.last().is_none_or(|(last, _)| *last != subject) {
            self.sections.push((subject, Vec::new()));
        }
    }

    fn step(&mut self, step: Step) {
        if self.sections.is_empty() {
            self.sections.push((Subject::Account, Vec::new()));
        }
        if let Some((_, steps)) = self.sections.last_mut() {
            steps.push(step);
        }
    }
}
