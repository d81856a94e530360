//! Whom of a whole book the integers must judge: floats with a proven bound let most accounts go.

use super::standings;
use plimsoll_core::{
    Book, Certainty, Compiled, Judgement, Lens, Question, Reading, Standing, Test, U256, Why,
};
use plimsoll_kernel::{Layout, MarketRows, Packed, Packing, Path, World as Nodes};

/// A venue has no answer where a number does not fit its 256 bits. Whoever's numbers fit where every price is so many times
/// today's is packed; a world with a price beyond that, or below today's by as much, is left to the integers.
const FAR: u64 = 1 << 32;

/// A book's accounts in packed rows.
pub(super) struct Screen {
    pub(super) layout: Layout,
    /// Accounts with numbers so great that the integers must say whether they fit have no row in it.
    pub(super) packed: Packed,
    /// What markets read when the rows were packed, and which rules they had.
    pub(super) readings: Vec<Vec<Reading>>,
    epochs: Vec<u64>,
}

impl Screen {
    /// `None` where there are more accounts than a screen takes.
    pub(super) fn new(book: &Book, readings: Vec<Vec<Reading>>, judged: &[Judgement]) -> Option<Screen> {
        let great = great_ones(book, &readings, judged);
        let (layout, packed) = pack(book, &readings, &great)?;
        let epochs = book.markets.iter().map(|listed| listed.market.epoch()).collect();
        Some(Screen { layout, packed, readings, epochs })
    }

    /// Whom the integers must judge: who may be below the line, whom a doubtful price touches, whose numbers may be too great for
    /// the venue, and who is no longer what was packed.
    pub(super) fn candidates(
        &self,
        book: &Book,
        standings: &[Standing<'_>],
        readings: &[Vec<Reading>],
        changed: &[bool],
    ) -> Vec<bool> {
        let screened = self.packed.screen(&nodes(&self.layout, standings, readings), Path::best());
        let mut candidates = changed.to_vec();
        candidates.resize(book.accounts.len(), false);
        for place in screened.below.iter().chain(&screened.undecided) {
            candidates[*place as usize] = true;
        }
        let markets = standings.iter().zip(&self.epochs).zip(self.readings.iter().zip(readings));
        let all: Vec<bool> =
            markets.map(|((now, then), (was, is))| now.market().epoch() != *then || far(was, is)).collect();
        for (candidate, listed) in candidates.iter_mut().zip(&book.accounts) {
            *candidate |= all[listed.market];
        }
        candidates
    }
}

/// Of each account, whether the integers must say that its numbers fit: it is doubtful now, or they do not fit where every price
/// is [`FAR`] times today's, or the highest that its slot takes.
///
/// The venue's own integers try it, because how much room a number needs is the venue's: Morpho multiplies by prices of 36
/// digits, nearly 2^120, others by less. That is enough for every world within [`FAR`]: amounts and indices are the same in all of
/// them, what a venue multiplies does not grow when a price falls, and what it divides is such a product.
fn great_ones(book: &Book, readings: &[Vec<Reading>], before: &[Judgement]) -> Vec<bool> {
    let undelayed: Vec<_> = book.markets.iter().map(|listed| listed.market.undelayed()).collect();
    let highest = |(m, listed): (usize, &'_ plimsoll_core::ListedMarket)| -> Vec<Reading> {
        let slots = listed.market.slots().iter().zip(&readings[m]);
        slots
            .map(|(slot, reading)| {
                let far = |value: U256| {
                    value.mul(U256::from(FAR)).map_or(slot.highest, |far| far.min(slot.highest))
                };
                reading.value.map_or(*reading, |value| Reading::certain(far(value)))
            })
            .collect()
    };
    let far: Vec<Vec<Reading>> = book.markets.iter().enumerate().map(highest).collect();
    let market = |m: usize| undelayed[m].as_deref().unwrap_or(&*book.markets[m].market);
    let stand = |m: usize| Standing::new(market(m), &far[m], Lens::Action, book.at).ok();
    let standings: Vec<_> = (0..book.markets.len()).map(stand).collect();
    let fits = |listed: &plimsoll_core::ListedAccount| {
        let quoted = standings[listed.market].as_ref().map(Standing::quoted);
        quoted.is_some_and(|quoted| quoted.verdict(&listed.account, Test::Liquidation).is_ok())
    };
    let both = book.accounts.iter().zip(before);
    both.map(|(listed, seen)| match seen.certainty {
        Certainty::Certain | Certainty::NoDebt => !fits(listed),
        _ => true,
    })
    .collect()
}

/// Whether a price of a market is so far from what it was that numbers may no longer fit.
pub(super) fn far(was: &[Reading], is: &[Reading]) -> bool {
    let near = |(was, is): (&Reading, &Reading)| match (was.value, is.value) {
        (Some(was), Some(is)) => [(was, is), (is, was)].into_iter().all(|(x, y)| {
            // A product beyond 256 bits is above everything.
            x.mul(U256::from(FAR)).is_none_or(|most| y <= most)
        }),
        (None, None) => true,
        _ => false,
    };
    !was.iter().zip(is).all(near)
}

/// Every account's row, at the markets as the scenarios find them.
fn pack(book: &Book, readings: &[Vec<Reading>], great: &[bool]) -> Option<(Layout, Packed)> {
    let undelayed: Vec<_> = book.markets.iter().map(|listed| listed.market.undelayed()).collect();
    let market = |m: usize| undelayed[m].as_deref().unwrap_or(&*book.markets[m].market);
    let layout = Layout::new((0..book.markets.len()).map(|m| market(m).nodes().len()))?;
    let mut packing = Packing::default();
    let question = Question { test: Test::Liquidation, lens: Lens::Action, at: book.at };
    for (listed, great) in book.accounts.iter().zip(great) {
        let m = listed.market;
        let rows = MarketRows::counted(u32::try_from(m).ok()?, layout.base(m)?, market(m).epoch());
        let compiled = if *great { None } else { market(m).compile(&listed.account, question).ok() };
        packing.push(&compiled.unwrap_or(Compiled::Opaque), &rows)?;
    }
    let standings = standings(book, readings).ok()?;
    let near = nodes(&layout, &standings, readings);
    Some((layout, packing.finish(&near)))
}

/// The nodes of all markets; of a doubtful price none is known, so that whom it touches is a candidate.
pub(super) fn nodes(layout: &Layout, standings: &[Standing<'_>], readings: &[Vec<Reading>]) -> Nodes {
    let of = |(standing, readings): (&Standing<'_>, &Vec<Reading>)| {
        let specs = standing.market().nodes().iter().zip(standing.quoted().nodes());
        let known = |(spec, node): (&plimsoll_core::NodeSpec, &Result<plimsoll_core::Node, Why>)| {
            let doubt = spec.slot.and_then(|slot| readings.get(slot)).and_then(|reading| reading.doubt);
            doubt.map_or(*node, Err)
        };
        specs.map(known).collect::<Vec<_>>()
    };
    let all: Vec<Vec<Result<plimsoll_core::Node, Why>>> = standings.iter().zip(readings).map(of).collect();
    Nodes::new(layout, all.iter().map(Vec::as_slice))
}
