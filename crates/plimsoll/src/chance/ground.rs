//! What accounts hang on: their rows in floats, and every market's nodes at each look while prices stand still, so that interest accrues as
//! the markets themselves accrue it. A node is proportional to its price; a world is these nodes times what prices do.

use super::drivers::{Drivers, Moves, Still};
use super::nodes::{Driven, driven};
use super::prices::Twin;
use super::{Setting, int, ten_to};
use crate::ask::Misasked;
use crate::bounds::points;
use crate::shock::held_slots;
use crate::stress::readings;
use crate::survey::currency;
use plimsoll_core::{
    Book, Certainty, Feeds, Lens, Market, PriceId, Question, Reading, Standing, Test, Time, Verdict,
};
use plimsoll_kernel::{Layout, MarketRows, Plain, PlainRows, World, total};
use plimsoll_risk::history::Series;

/// What is known of an account.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    /// Its rows.
    Rows(Rows),
    /// It owes nothing.
    NoDebt,
    /// It is below its line now.
    Below,
    /// Nothing can be said, for this reason.
    Nothing(String),
}

/// An account's rows, and what a unit of them is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    pub(super) rows: PlainRows,
    /// Currency units in a unit of the rows' worth.
    pub(super) unit: f64,
    /// Which of [`Ground::currencies`].
    pub(super) currency: usize,
    /// The series that it hangs on.
    pub(super) series: Vec<usize>,
    /// The prices below it that stand still though nobody said that they do.
    pub(super) still: Vec<String>,
}

/// A book at all looks.
pub(super) struct Ground {
    pub(super) known: Vec<Known>,
    /// Of today and each look, each node; not a number where it is unknown.
    nodes: Vec<Vec<f64>>,
    twin: Twin,
    /// Prices that move nodes: their place in the twin, what they are today, and the nodes.
    slots: Vec<(usize, f64, Vec<u32>)>,
    pub(super) currencies: Vec<String>,
    /// What stands still, and why.
    pub(super) still: Vec<(String, Still)>,
}

impl Ground {
    /// Looks at a book whose leaves do this; a series that is not useful is as none.
    pub(super) fn new(
        book: &Book,
        moves: &[Option<Moves>],
        useful: &[Result<Series, String>],
        setting: &Setting,
    ) -> Result<Ground, Misasked> {
        let quotes = book.graph.quotes(book.at);
        let sound: Vec<Option<Moves>> = moves.iter().map(|moves| usable(moves.as_ref(), useful)).collect();
        let twin = Twin::new(book, &quotes, &sound);
        let undelayed: Vec<_> = book.markets.iter().map(|listed| listed.market.undelayed()).collect();
        let market = |m: usize| undelayed[m].as_deref().unwrap_or(&*book.markets[m].market);
        let readings = readings(book);
        let too_many = || Misasked::TooMany { found: book.accounts.len() };
        let layout =
            Layout::new((0..book.markets.len()).map(|m| market(m).nodes().len())).ok_or_else(too_many)?;
        let today = worlds(book, &market, &readings, &layout, book.at)?;
        let mut values = Vec::new();
        twin.values(&vec![0.0; useful.len()], &mut values);
        let mut all_driven = Vec::new();
        for (m, listed) in book.markets.iter().enumerate() {
            let stands = driven(market(m), &readings[m], book.at);
            all_driven
                .push(stands.map_err(|refusal| Misasked::Stands { market: listed.name.clone(), refusal })?);
        }
        let mut slots = Vec::new();
        for (m, listed) in book.markets.iter().enumerate() {
            for (slot, wired) in listed.wiring.iter().enumerate() {
                let Some(place) = wired.and_then(|id| twin.place(id)) else { continue };
                let base = layout.base(m).unwrap_or(0);
                let all = (base..).zip(&all_driven[m]);
                let nodes: Vec<u32> =
                    all.filter(|(_, driven)| **driven == Driven::By(slot)).map(|(at, _)| at).collect();
                let value = values[place];
                if value > 0.0 && value.is_finite() && !nodes.is_empty() {
                    slots.push((place, value, nodes));
                }
            }
        }
        let currencies: Vec<String> = {
            let mut all: Vec<String> = book.markets.iter().map(|listed| currency(&*listed.market)).collect();
            all.sort();
            all.dedup();
            all
        };
        let teller = Teller {
            book,
            moves,
            twin: &twin,
            driven: &all_driven,
            useful,
            readings: &readings,
            layout: &layout,
            today: &today,
        };
        let known = teller.all(&market, &currencies)?;
        let mut nodes = vec![today];
        let asked = known.iter().any(|known| matches!(known, Known::Rows(_)));
        let looks = if asked { setting.looks() } else { 0 };
        for look in 1..=looks as u64 {
            let at =
                look.checked_mul(setting.look).and_then(|passed| book.at.0.checked_add(passed)).map(Time);
            nodes.push(worlds(book, &market, &readings, &layout, at.unwrap_or(book.at))?);
        }
        let mut still: Vec<(String, Still)> = Vec::new();
        for (price, moves) in book.graph.prices().iter().zip(moves) {
            if let Some(Moves::Still(why)) = moves {
                still.push((price.name.clone(), *why));
            }
        }
        let mut ground = Ground { known, nodes, twin, slots, currencies, still };
        ground.doubt_the_still(useful.len());
        Ok(ground)
    }

    /// An account that no series moves, because both its sides move alike, hangs on what stands still: of that history shows nothing, and its
    /// chance is not none but unknown.
    fn doubt_the_still(&mut self, series: usize) {
        let (mut values, mut nodes) = (Vec::new(), vec![0.0; self.width()]);
        for at in 0..self.known.len() {
            let Known::Rows(rows) = &self.known[at] else { continue };
            if rows.still.is_empty() {
                continue;
            }
            let mut health = |sign: f64| {
                let moved: Vec<f64> = (0..series).map(|one| sign * (0.3 + 0.07 * one as f64)).collect();
                self.world(0, &moved, &mut values, &mut nodes);
                rows.rows.health(&nodes)
            };
            let [down, today, up] = [-1.0, 0.0, 1.0].map(&mut health);
            // Of a health that no price moves only the last digits do.
            if (down / today - 1.0).abs() < 1e-9 && (up / today - 1.0).abs() < 1e-9 {
                let why =
                    format!("no series moves it; it hangs on {}, which stands still", rows.still.join(", "));
                self.known[at] = Known::Nothing(why);
            }
        }
    }

    /// All nodes at a look where series stand at these logarithms over today's.
    pub(super) fn world(&self, look: usize, moved: &[f64], values: &mut Vec<f64>, nodes: &mut [f64]) {
        self.twin.values(moved, values);
        nodes.copy_from_slice(&self.nodes[look]);
        for (place, today, of) in &self.slots {
            let ratio = values[*place] / today;
            for node in of {
                nodes[*node as usize] *= ratio;
            }
        }
    }

    /// All nodes as they are today.
    pub(super) fn today(&self, nodes: &mut [f64]) {
        nodes.copy_from_slice(&self.nodes[0]);
    }

    /// A price of the book among the values that [`Ground::world`] left behind.
    pub(super) fn price(&self, values: &[f64], id: PriceId) -> Option<f64> {
        values.get(self.twin.place(id)?).copied()
    }

    /// The same where series stand at other places: those that serve no more move nothing.
    pub(super) fn among(mut self, places: &[Option<usize>]) -> Ground {
        self.twin.among(places);
        for known in &mut self.known {
            if let Known::Rows(rows) = known {
                rows.series = rows.series.iter().filter_map(|series| places[*series]).collect();
            }
        }
        self
    }

    /// Every price of the book that series move, and their powers.
    pub(super) fn leaves(&self) -> Vec<(usize, super::drivers::Powers)> {
        self.twin.leaves()
    }

    /// How many nodes a world has.
    pub(super) fn width(&self) -> usize {
        self.nodes[0].len()
    }
}

/// What each leaf does of the prices of what these accounts hold and owe (all, where none are named); of what is derived its legs decide.
pub(super) fn leaves(book: &Book, drivers: &mut Drivers<'_>, asked: Option<&[usize]>) -> Vec<Option<Moves>> {
    let mut used = vec![false; book.graph.prices().len()];
    let counts = |place: usize, _: &plimsoll_core::Holding| asked.is_none_or(|asked| asked.contains(&place));
    for (listed, slots) in book.markets.iter().zip(held_slots(book, counts)) {
        for id in slots.into_iter().filter_map(|slot| listed.wiring.get(slot).copied().flatten()) {
            for below in book.graph.below(id, plimsoll_core::Origin::legs) {
                used[below.0 as usize] = true;
            }
        }
    }
    let prices = book.graph.prices().iter().enumerate();
    let of = prices.map(|(at, price)| match used[at] {
        true if price.origin.is_leaf() => Some(drivers.leaf(PriceId(at as u32))),
        true => Some(Moves::With(Vec::new())),
        false => None,
    });
    of.collect()
}

/// The same where only useful series count.
fn usable(moves: Option<&Moves>, useful: &[Result<Series, String>]) -> Option<Moves> {
    match moves? {
        Moves::With(powers)
            if powers.iter().any(|(series, _)| useful.get(*series).is_none_or(Result::is_err)) =>
        {
            Some(Moves::Unknown(String::new()))
        }
        other => Some(other.clone()),
    }
}

/// Every market's nodes at a time, at today's prices.
fn worlds<'m>(
    book: &'m Book,
    market: &impl Fn(usize) -> &'m dyn Market,
    readings: &[Vec<Reading>],
    layout: &Layout,
    at: Time,
) -> Result<Vec<f64>, Misasked> {
    let mut quoted = Vec::new();
    for (m, listed) in book.markets.iter().enumerate() {
        let points = points(&readings[m]);
        let stands = market(m).at(Feeds { readings: &points }, Lens::Action, at);
        quoted.push(stands.map_err(|refusal| Misasked::Stands { market: listed.name.clone(), refusal })?);
    }
    let world = World::new(layout, quoted.iter().map(|quoted| quoted.nodes()));
    let nodes = 0..layout.len() as u32;
    Ok(nodes.map(|node| if world.known(node) { world.value(node) } else { f64::NAN }).collect())
}

/// Says what is known of each account.
struct Teller<'a> {
    book: &'a Book,
    moves: &'a [Option<Moves>],
    twin: &'a Twin,
    driven: &'a [Vec<Driven>],
    useful: &'a [Result<Series, String>],
    readings: &'a [Vec<Reading>],
    layout: &'a Layout,
    today: &'a [f64],
}

impl Teller<'_> {
    fn all<'m>(
        &self,
        market: &impl Fn(usize) -> &'m dyn Market,
        currencies: &[String],
    ) -> Result<Vec<Known>, Misasked> {
        let mut standings = Vec::new();
        for (m, listed) in self.book.markets.iter().enumerate() {
            let stands = Standing::new(market(m), &self.readings[m], Lens::Action, self.book.at);
            standings
                .push(stands.map_err(|refusal| Misasked::Stands { market: listed.name.clone(), refusal })?);
        }
        let reasons: Vec<Vec<Option<String>>> =
            (0..self.book.markets.len()).map(|m| self.reasons(m, market(m))).collect();
        let of = |listed: &plimsoll_core::ListedAccount| {
            let m = listed.market;
            let judgement = standings[m].judge(&listed.account, Test::Liquidation);
            match (judgement.verdict(), judgement.own) {
                (Some(Verdict::NoDebt), _) => return Known::NoDebt,
                (Some(Verdict::Unhealthy), _) => return Known::Below,
                (None, _) | (_, Err(_)) => {
                    return Known::Nothing(match judgement.certainty {
                        Certainty::Undetermined(why) => format!("a price is {why}"),
                        _ => "the venue has no answer now".into(),
                    });
                }
                _ => {}
            }
            if !matches!(judgement.certainty, Certainty::Certain) {
                return Known::Nothing("a price is doubtful now".into());
            }
            let question = Question { test: Test::Liquidation, lens: Lens::Action, at: self.book.at };
            let base = self.layout.base(m).unwrap_or(0);
            let rows = MarketRows::screened(m as u32, base, market(m).epoch());
            let compiled = market(m).compile(&listed.account, question);
            let rows = match compiled.map(|compiled| Plain::of(&compiled, &rows)) {
                Ok(Plain::Rows(rows)) => rows,
                Ok(Plain::NoDebt) => return Known::NoDebt,
                _ => return Known::Nothing("no row that is true at every price".into()),
            };
            let (mut series, mut still) = (Vec::new(), Vec::new());
            for node in rows.nodes().into_iter().filter(|node| *node != 0) {
                let place = (node - base) as usize;
                if let Some(why) = &reasons[m][place] {
                    return Known::Nothing(why.clone());
                }
                if !self.today[node as usize].is_finite() {
                    return Known::Nothing("a number of the market is unknown".into());
                }
                let (moves, stands) = self.series_of(m, place);
                series.extend(moves);
                still.extend(stands);
            }
            still.sort();
            still.dedup();
            series.sort_unstable();
            series.dedup();
            let Ok(worth) = standings[m].quoted().verdict(&listed.account, Test::Borrow) else {
                return Known::Nothing("the venue cannot value it".into());
            };
            // The rows' unit is the venue's own; the venue says what its collateral, or its debt, is in its currency.
            let told = [(&rows.collateral, worth.collateral), (&rows.debt, worth.debt)];
            let whole = ten_to(worth.unit.decimals);
            let unit = told.into_iter().find_map(|(terms, exact)| {
                let own = total(terms, self.today);
                (own > 0.0).then(|| int(exact) / whole / own)
            });
            let name = currency(market(m));
            let currency = currencies.iter().position(|known| *known == name).unwrap_or(0);
            Known::Rows(Rows { rows, unit: unit.unwrap_or(0.0), currency, series, still })
        };
        Ok(self.book.accounts.iter().map(of).collect())
    }

    /// Of each node of a market, why nothing is known of what it will do.
    fn reasons(&self, m: usize, market: &dyn Market) -> Vec<Option<String>> {
        let wiring = &self.book.markets[m].wiring;
        let of = |driven: &Driven| {
            let slot = match *driven {
                Driven::Nothing => return None,
                Driven::Bent => {
                    return Some("a number of the market that is not in proportion to one price".into());
                }
                Driven::By(slot) => slot,
            };
            let Some(id) = wiring.get(slot).copied().flatten() else {
                return Some(format!("no price of {}", market.slots()[slot].asset));
            };
            let why =
                self.book.graph.leaves(id).into_iter().find_map(|leaf| match &self.moves[leaf.0 as usize] {
                    Some(Moves::Unknown(asset)) => Some(format!("no series of {asset}")),
                    Some(Moves::With(powers)) => {
                        powers.iter().find_map(|(series, _)| self.useful[*series].as_ref().err().cloned())
                    }
                    Some(Moves::Still(_)) => None,
                    None => Some("not asked about".into()),
                });
            // What the twin does not have would stand still.
            let missing = || format!("the price of {} is unknown", market.slots()[slot].asset);
            why.or_else(|| self.twin.place(id).is_none().then(missing))
        };
        self.driven[m].iter().map(of).collect()
    }

    /// The series that move a node, and the prices below it that stand still by themselves.
    fn series_of(&self, m: usize, node: usize) -> (Vec<usize>, Vec<String>) {
        let slot = match self.driven[m][node] {
            Driven::By(slot) => Some(slot),
            _ => None,
        };
        let id = slot.and_then(|slot| self.book.markets[m].wiring.get(slot).copied().flatten());
        let (mut series, mut still) = (Vec::new(), Vec::new());
        for leaf in id.map_or_else(Vec::new, |id| self.book.graph.leaves(id)) {
            match &self.moves[leaf.0 as usize] {
                Some(Moves::With(powers)) => series.extend(powers.iter().map(|(series, _)| *series)),
                Some(Moves::Still(why)) if *why != Still::Held => {
                    still.extend(self.book.graph.price(leaf).map(|price| price.name.clone()));
                }
                _ => {}
            }
        }
        (series, still)
    }
}
