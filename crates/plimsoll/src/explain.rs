//! How one account's numbers came about: the steps that the venue's own code path took.

use crate::ask::asset_decimals;
use crate::identity::{Identity, identity};
use crate::limits::{Limit, borrowable, withdrawable};
use plimsoll_core::{
    Balance, Book, Figure, InstrumentId, Judgement, Lens, Reading, Refusal, Standing, Step, Subject, Test,
    Time, Trace, U256,
};

/// What was computed about one thing, in order.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it is about, such as `aWETH held`.
    pub title: String,
    /// Decimals of the asset that it is about, for steps that count raw units; 0 elsewhere.
    pub decimals: u8,
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
    /// The terms it is held under: name and value.
    pub terms: Vec<(&'static str, plimsoll_core::Int)>,
    /// The liquidation line and every step to it.
    pub liquidation: (Judgement, Vec<Section>),
    /// The borrowing line and every step to it.
    pub borrowing: (Judgement, Vec<Section>),
    /// In the venue's own words.
    pub own: Vec<Figure>,
    /// How much of each receipt can be withdrawn now.
    pub withdrawable: Vec<Allowance>,
    /// How much of each asset can be borrowed now.
    pub borrowable: Vec<Allowance>,
}

/// How much of an asset can go in one action.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// The asset.
    pub asset: String,
    /// Its decimals.
    pub decimals: u8,
    /// How much of it, and why not more.
    pub limit: Limit,
}

/// Explains one account at a time.
///
/// # Errors
/// When its market cannot stand at that time.
pub fn explain(book: &Book, account: usize, at: Time) -> Result<Explanation, Refusal> {
    let quotes = book.graph.quotes(at);
    let readings: Vec<Vec<Reading>> =
        book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
    let listed = &book.accounts[account];
    let market = &*book.markets[listed.market].market;
    let standing = Standing::new(market, &readings[listed.market], Lens::Action, at)?;
    let quoted = standing.quoted();
    let instruments = market.instruments();
    let title = |subject: Subject| -> (String, u8) {
        let of = |id: InstrumentId| instruments.get(id.index());
        match subject {
            Subject::Market => ("the market".into(), 0),
            Subject::Account => ("the account".into(), 0),
            Subject::Instrument(id) => {
                of(id).map_or_else(|| ("?".into(), 0), |i| (format!("{}, for everybody", i.name), i.decimals))
            }
            Subject::Holding(id) => of(id)
                .map_or_else(|| ("?".into(), 0), |i| (format!("{} of this account", i.name), i.decimals)),
        }
    };
    let line = |test: Test| {
        let mut recorder = Recorder::default();
        // A refusal stands in the judgement; the steps up to it are shown all the same.
        let _ = quoted.assess(&listed.account, test, &mut recorder);
        let sections = recorder
            .sections
            .into_iter()
            .filter(|(_, steps)| !steps.is_empty())
            .map(|(subject, steps)| {
                let (title, decimals) = title(subject);
                Section { title, decimals, steps }
            })
            .collect();
        (standing.judge(&listed.account, test), sections)
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
    let allowance = |limit: Limit| {
        let instrument = instruments.get(limit.instrument.index());
        Allowance {
            asset: instrument.map_or_else(|| "?".into(), |i| i.asset.clone()),
            // A receipt or debt may have more decimals than its asset, in which limits are counted.
            decimals: instrument.map_or(0, |i| asset_decimals(market, &i.asset).unwrap_or(i.decimals)),
            limit,
        }
    };
    let prices = &readings[listed.market];
    let withdrawable = withdrawable(market, prices, &listed.account, &[at]);
    let borrowable = borrowable(market, prices, &listed.account, &[at]);
    let borrowable = borrowable.into_iter().filter(|limit| limit.amount != U256::ZERO);
    let terms = market.terms().iter().map(|term| (term.name, listed.account.term(term.id)));
    Ok(Explanation {
        identity: identity(book, at, &readings),
        account,
        holdings: holdings.collect(),
        terms: terms.filter(|(_, value)| !value.is_zero()).collect(),
        liquidation: line(Test::Liquidation),
        borrowing: line(Test::Borrow),
        own: quoted.figures(&listed.account).unwrap_or_default(),
        withdrawable: withdrawable.into_iter().map(allowance).collect(),
        borrowable: borrowable.map(allowance).collect(),
    })
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
