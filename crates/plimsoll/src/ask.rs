//! What people name in a question (assets, prices, numbers of a market, accounts), and why it cannot be put.

use plimsoll_core::num::DecimalError;
use plimsoll_core::{
    Account, Amount, Book, Cell, Decimal, Instrument, InstrumentId, Int, Kind, ListedMarket, Market, Part,
    PriceId, Refusal, Time, U256, Unit,
};
use std::fmt;

/// So many names that would do are told; more are not.
const KNOWN_MAX: usize = 12;

/// A question that cannot be put to this book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misasked {
    /// The book has nothing of this name.
    NoSuch {
        /// What was looked for, such as "asset of aave-core".
        what: String,
        /// The name that was given.
        found: String,
        /// Every name that would do.
        known: Vec<String>,
    },
    /// The name stands for several things.
    Several {
        /// What was looked for.
        what: String,
        /// The name that was given.
        found: String,
        /// What it may stand for: names that are clear.
        candidates: Vec<String>,
    },
    /// An amount that the asset cannot have.
    NoAmount {
        /// The asset.
        asset: String,
        /// The amount that was given.
        found: Decimal,
        /// What is wrong with it.
        error: DecimalError,
    },
    /// A price that cannot be.
    NoPrice {
        /// The price's name.
        price: String,
        /// What was asked of it.
        found: String,
        /// What would do.
        expected: String,
    },
    /// A number of a market that cannot be this.
    NoValue {
        /// The number's path.
        number: String,
        /// What was asked of it.
        found: Int,
        /// What it must obey, where the market says so.
        rule: Option<&'static str>,
    },
    /// A scenario says nothing of something that the book holds.
    Unsaid {
        /// The scenario.
        scenario: String,
        /// Each asset, and which market reads what of it.
        missing: Vec<(String, String)>,
    },
    /// It is said what a call costs, but not in the currency of a market.
    NoGas {
        /// The market.
        market: String,
        /// Its currency.
        currency: String,
        /// The depth that says what calls cost.
        depth: String,
    },
    /// More accounts than are taken at once.
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// The change is about one account, and none was named.
    NeedsAccount,
    /// The market has no such setting for accounts.
    NoTerms {
        /// The market.
        market: String,
    },
    /// A health that cannot be aimed at.
    NoTarget {
        /// What was given.
        found: Decimal,
    },
    /// Two books of which the one that should be older is the newer.
    Order {
        /// The time of the one that should be older.
        older: Time,
        /// The time of the other.
        newer: Time,
    },
    /// Chances that cannot be estimated as asked.
    NoEstimate {
        /// What was given.
        found: String,
        /// What would do.
        expected: String,
    },
    /// The market cannot be asked at that time.
    Stands {
        /// The market.
        market: String,
        /// Why not.
        refusal: Refusal,
    },
}

impl fmt::Display for Misasked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misasked::NoSuch { what, found, known } if known.len() <= KNOWN_MAX && !known.is_empty() => {
                write!(f, "found `{found}`, expected an {what}: {}", known.join(", "))
            }
            Misasked::NoSuch { what, found, .. } => write!(f, "found `{found}`, expected an {what}"),
            Misasked::Several { what, found, candidates } => {
                write!(f, "`{found}` is more than one {what}: say one of {}", candidates.join(", "))
            }
            Misasked::NoAmount { asset, found, error } => {
                write!(f, "found {found} {asset}, expected an amount of it: {error}")
            }
            Misasked::NoPrice { price, found, expected } => {
                write!(f, "{price}: found {found}, expected {expected}")
            }
            Misasked::NoValue { number, found, rule: Some(rule) } => {
                write!(f, "{number}: found {found}, which breaks a rule; expected {rule}")
            }
            Misasked::NoValue { number, found, rule: None } => {
                write!(f, "{number}: found {found}, expected a number that fits its place at the venue")
            }
            Misasked::Unsaid { scenario, missing } => {
                write!(
                    f,
                    "{scenario} does not say what becomes of all that the book holds, or in what cannot be counted; of each say \
                     --hold (its price in USD stands, whatever its feed counts in) or --map:"
                )?;
                missing.iter().try_for_each(|(asset, why)| write!(f, "\n  {asset} ({why})"))
            }
            Misasked::NoGas { market, currency, depth } => {
                write!(
                    f,
                    "{depth} says what a call costs, but not in {currency}, in which {market} counts: expected a [[gas]] of it"
                )
            }
            Misasked::TooMany { found } => {
                write!(
                    f,
                    "found {found} accounts, expected fewer than 2^32 - 1 of them, and fewer than 2^31 nodes"
                )
            }
            Misasked::NeedsAccount => f.write_str("this change is about one account, and none is named"),
            Misasked::NoTerms { market } => write!(f, "accounts of {market} have no mode"),
            Misasked::NoTarget { found } => write!(f, "found a health of {found}, expected one above 0"),
            Misasked::Order { older, newer } => {
                write!(
                    f,
                    "found an older book of {older}, expected one of {newer} or before, as the newer book is"
                )
            }
            Misasked::NoEstimate { found, expected } => write!(f, "found {found}, expected {expected}"),
            Misasked::Stands { market, refusal } => {
                write!(f, "market {market}: {refusal} [{}]", refusal.code())
            }
        }
    }
}

impl std::error::Error for Misasked {}

/// How much of something, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// All that there is.
    All,
    /// So many whole tokens, with an exact fraction.
    Exactly(Decimal),
}

/// Decimals of an asset, in which its raw amounts are counted.
pub(crate) fn asset_decimals(market: &dyn Market, asset: &str) -> Option<u8> {
    let mut assets = market.instruments().iter().filter(|i| i.kind == Kind::Asset);
    assets.find(|i| i.asset == asset).map(|i| i.decimals)
}

/// The asset behind an instrument, and its decimals.
pub(crate) fn asset_of(market: &dyn Market, id: InstrumentId) -> (String, u8) {
    match market.instruments().get(id.index()) {
        Some(i) => (i.asset.clone(), asset_decimals(market, &i.asset).unwrap_or(i.decimals)),
        None => ("?".into(), 0),
    }
}

/// What people call the asset behind an instrument: by its reserve where its market lists one asset more than once.
pub(crate) fn called(market: &dyn Market, id: InstrumentId) -> String {
    market.called(id).map_or_else(|| asset_of(market, id).0, String::from)
}

/// The same of a price slot.
pub(crate) fn slot_called(market: &dyn Market, slot: usize) -> String {
    let asset = || market.slots().get(slot).map_or_else(|| "?".into(), |slot| slot.asset.clone());
    market.slot_called(slot).map_or_else(asset, String::from)
}

/// The receipt or debt that a name stands for in a market: its own, its reserve's, or its asset's where that is one.
pub(crate) fn instrument(listed: &ListedMarket, kind: Kind, name: &str) -> Result<InstrumentId, Misasked> {
    let of_kind = || (0..).zip(listed.market.instruments()).filter(|(_, i)| i.kind == kind);
    let market = &*listed.market;
    let exact = |id: u32, i: &Instrument| i.name == name || market.called(InstrumentId(id)) == Some(name);
    if let Some((id, _)) = of_kind().find(|(id, i)| exact(*id, i)) {
        return Ok(InstrumentId(id));
    }
    let by_name = |id: u32, i: &Instrument| market.called(InstrumentId(id)).unwrap_or(&i.name).to_string();
    let matching: Vec<_> = of_kind().filter(|(_, i)| i.asset == name).collect();
    match matching.as_slice() {
        [(id, _)] => Ok(InstrumentId(*id)),
        [] => Err(Misasked::NoSuch {
            what: format!("asset of {}", listed.name),
            found: name.into(),
            known: of_kind()
                .map(|(id, one)| {
                    // Where an asset stands for several, each by its own name.
                    let alone = of_kind().filter(|(_, other)| other.asset == one.asset).count() == 1;
                    if alone { one.asset.clone() } else { by_name(id, one) }
                })
                .collect(),
        }),
        several => Err(Misasked::Several {
            what: format!("holding of {}", listed.name),
            found: name.into(),
            candidates: several.iter().map(|(id, i)| by_name(*id, i)).collect(),
        }),
    }
}

/// As [`instrument`]; of several the one that the account holds, if it is one.
pub(crate) fn instrument_of(
    listed: &ListedMarket,
    account: &Account,
    kind: Kind,
    name: &str,
) -> Result<InstrumentId, Misasked> {
    instrument(listed, kind, name).or_else(|why| {
        let Misasked::Several { .. } = why else { return Err(why) };
        let known = (0..).zip(listed.market.instruments());
        let fits = known.filter(|(_, i)| i.kind == kind && i.asset == name).map(|(id, _)| InstrumentId(id));
        let mut held = fits.filter(|id| !account.quantity(*id).is_zero());
        match (held.next(), held.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(why),
        }
    })
}

/// The raw amount of an instrument's asset that a sum stands for.
pub(crate) fn amount(market: &dyn Market, id: InstrumentId, sum: Sum) -> Result<Amount, Misasked> {
    let (asset, decimals) = asset_of(market, id);
    match sum {
        Sum::All => Ok(Amount::All),
        Sum::Exactly(found) => match found.scaled_amount(decimals) {
            Ok(raw) => Ok(Amount::Assets(raw)),
            Err(error) => Err(Misasked::NoAmount { asset, found, error }),
        },
    }
}

/// The price of a name, or the one that an asset is priced at: in the given market, or in all.
pub(crate) fn price(book: &Book, market: Option<usize>, name: &str) -> Result<PriceId, Misasked> {
    if let Some(id) = book.graph.find(name) {
        return Ok(id);
    }
    let markets = || book.markets.iter().enumerate().filter(|(m, _)| market.is_none_or(|only| only == *m));
    let mut ids: Vec<PriceId> = Vec::new();
    let mut known: Vec<String> = Vec::new();
    for (_, listed) in markets() {
        for (slot, wired) in listed.market.slots().iter().zip(&listed.wiring) {
            known.push(slot.asset.clone());
            ids.extend(wired.filter(|id| slot.asset == name && !ids.contains(id)));
        }
    }
    let name_of = |id: &PriceId| book.graph.price(*id).map_or_else(String::new, |price| price.name.clone());
    match ids.as_slice() {
        [one] => Ok(*one),
        [] => {
            known.extend(book.graph.prices().iter().map(|price| price.name.clone()));
            known.sort();
            known.dedup();
            Err(Misasked::NoSuch { what: "asset or price".into(), found: name.into(), known })
        }
        several => Err(Misasked::Several {
            what: "price".into(),
            found: name.into(),
            candidates: several.iter().map(name_of).collect(),
        }),
    }
}

/// A number of a market, found by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    pub(crate) cell: Cell,
    /// Where it stands in the cell, if the cell packs several.
    pub(crate) part: Option<Part>,
    pub(crate) unit: Unit,
    /// The whole cell's value.
    pub(crate) stored: Int,
}

impl Number {
    /// Its own value.
    pub(crate) fn value(&self) -> Int {
        match self.part {
            Some(part) => Int::from(self.stored.magnitude().field(part.at, part.width)),
            None => self.stored,
        }
    }

    /// The cell's value with this number replaced; `None` where it does not fit.
    pub(crate) fn with(&self, value: Int) -> Option<Int> {
        match self.part {
            Some(part) => {
                let word = self.stored.magnitude();
                word.with_field(part.at, part.width, value.to_u64()?).map(Int::from)
            }
            None => Some(value),
        }
    }
}

/// The number of a path `MARKET/OBJECT/NUMBER`, or `MARKET/NUMBER` where the market is one object.
pub(crate) fn number(book: &Book, path: &str) -> Result<(usize, Number), Misasked> {
    let (market_name, rest) = path.split_once('/').unwrap_or((path, ""));
    let found = book.markets.iter().position(|listed| listed.name == market_name);
    let m = found.ok_or_else(|| Misasked::NoSuch {
        what: "existing market".into(),
        found: market_name.into(),
        known: book.markets.iter().map(|listed| listed.name.clone()).collect(),
    })?;
    let all = numbers(&book.markets[m]);
    let (object, name) = match rest.rsplit_once('/') {
        Some((object, name)) => (Some(object), name),
        None => (None, rest),
    };
    let matching: Vec<&Named> = all
        .iter()
        .filter(|n| n.name == name && object.is_none_or(|object| n.objects.iter().any(|o| o == object)))
        .collect();
    match matching.as_slice() {
        [one] => Ok((m, one.number)),
        [] => Err(Misasked::NoSuch {
            what: format!("existing number of {market_name}"),
            found: path.into(),
            known: all.iter().map(|n| n.path(market_name)).collect(),
        }),
        several => Err(Misasked::Several {
            what: "number".into(),
            found: path.into(),
            candidates: several.iter().take(12).map(|n| n.path(market_name)).collect(),
        }),
    }
}

/// A number with its name.
pub(crate) struct Named {
    /// What the object is called, the usual name first; empty where there is only one object.
    objects: Vec<String>,
    name: &'static str,
    pub(crate) number: Number,
}

impl Named {
    pub(crate) fn path(&self, market: &str) -> String {
        match self.objects.first() {
            Some(object) => format!("{market}/{object}/{}", self.name),
            None => format!("{market}/{}", self.name),
        }
    }
}

/// Every number of a market with its name; packed ones by their parts' names as well.
pub(crate) fn numbers(listed: &ListedMarket) -> Vec<Named> {
    let market = &*listed.market;
    let names = market.names();
    let mut cells = Vec::new();
    market.visit(&mut |cell, name, unit, stored| cells.push((cell, name, unit, stored)));
    let first = cells.first().map(|(cell, ..)| cell.object);
    let single = cells.iter().all(|(cell, ..)| Some(cell.object) == first);
    let mut all = Vec::new();
    for (cell, name, unit, stored) in cells {
        let own = names.iter().filter(|(object, _, _)| *object == cell.object);
        let mut objects: Vec<String> =
            own.map(|(_, _, name)| name.clone()).filter(|name| !name.is_empty()).collect();
        // Only what has no name is called by its place.
        if objects.is_empty() {
            objects.push(cell.object.to_string());
        }
        if single {
            objects.clear();
        }
        for &part in market.parts(cell) {
            let number = Number { cell, part: Some(part), unit: part.unit, stored };
            all.push(Named { objects: objects.clone(), name: part.name, number });
        }
        all.push(Named { objects, name, number: Number { cell, part: None, unit, stored } });
    }
    all
}

/// Accounts of a book by name, or by `market:name` where a name stands in several markets. No market's name has a colon, an
/// account's may: what is the `market:name` of one account is no bare name of another, which has a `market:name` of its own.
#[must_use]
pub fn find(book: &Book, name: &str) -> Vec<usize> {
    let accounts = || book.accounts.iter().enumerate();
    let full = name.split_once(':').and_then(|(market, own)| {
        let is = |listed: &plimsoll_core::ListedAccount| {
            listed.name == own && book.markets[listed.market].name == market
        };
        accounts().find(|(_, listed)| is(listed))
    });
    match full {
        Some((place, _)) => vec![place],
        None => accounts().filter(|(_, listed)| listed.name == name).map(|(place, _)| place).collect(),
    }
}

/// The name that finds an account: with its market's where its own finds several, or another.
fn clear(book: &Book, place: usize) -> String {
    let listed = &book.accounts[place];
    // Of a long list only the nearest name is told, and it may be asked about again.
    if book.accounts.len() > KNOWN_MAX || find(book, &listed.name) == [place] {
        return listed.name.clone();
    }
    format!("{}:{}", book.markets[listed.market].name, listed.name)
}

/// The one account of a name.
///
/// # Errors
/// When there is none, or the name stands in several markets.
pub fn account(book: &Book, name: &str) -> Result<usize, Misasked> {
    let full = |place: usize| {
        let listed = &book.accounts[place];
        format!("{}:{}", book.markets[listed.market].name, listed.name)
    };
    match find(book, name).as_slice() {
        [one] => Ok(*one),
        [] => Err(Misasked::NoSuch {
            what: "account of the book".into(),
            found: name.into(),
            known: (0..book.accounts.len()).map(|place| clear(book, place)).collect(),
        }),
        several => Err(Misasked::Several {
            what: "account".into(),
            found: name.into(),
            candidates: several.iter().map(|&place| full(place)).collect(),
        }),
    }
}

/// The sum of flows, or the refusal that 256 bits do not hold it.
pub(crate) fn total(amounts: impl Iterator<Item = U256>, what: &'static str) -> Result<U256, Refusal> {
    let mut amounts = amounts;
    amounts.try_fold(U256::ZERO, U256::add).ok_or(Refusal::Overflow(what))
}
