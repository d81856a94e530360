//! What moves when a price moves: one slot of a market, one feed with all that is derived from it, or several feeds
//! together, all else standing still at what the venue uses.

use plimsoll_core::{
    Book, Decimal, Feeds, Int, ListedMarket, Observation, Origin, PriceId, Quote, Reading, Rounding, Scale,
    Time, U256,
};
use std::collections::BTreeMap;

/// What moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mover {
    /// One price that the market reads, all others fixed.
    Slot(usize),
    /// A feed or an assumed price, with everything derived from it.
    Leaf(PriceId),
    /// Several feeds by one factor: a feed of weight 1 moves by as much, one of weight 0.5 by half of it.
    Joint(Vec<(PriceId, Weight)>),
    /// Several feeds by one factor (1e-8 parts), and others by its inverse: prices in what moves. As a scenario moves
    /// them: cut once, to the digits that every market reads.
    Factor {
        /// Those that move with it.
        with: Vec<PriceId>,
        /// Those that move against it.
        against: Vec<PriceId>,
    },
}

/// How much of a joint move a feed takes part in (1e-8 parts); negative where it goes the other way.
pub type Weight = i64;

/// One in [`Weight`] and in the factor of a joint move.
pub const WHOLE: u64 = 100_000_000;
const WHOLE_DECIMALS: u8 = 8;

/// A market's prices as a function of one whole number: the price that moves in units of 10^-`decimals`, or the
/// factor of a joint move in 1e-8 parts.
pub struct Path<'b> {
    book: &'b Book,
    listed: &'b ListedMarket,
    quotes: Vec<Quote>,
    /// The time that the quotes are of.
    at: Time,
    readings: Vec<Reading>,
    mover: Mover,
    /// Where it is today.
    pub now: U256,
    /// Digits after the point of `now`.
    pub decimals: u8,
    /// The lowest at which every price of the market is positive.
    pub lowest: U256,
    /// The highest at which every price is one that anybody asks about, at most 2^40 times today's.
    pub highest: U256,
    moving: Vec<usize>,
    chord: Option<Vec<U256>>,
    /// Where every price moves in a straight line: the lowest point, today's and the highest, each with the moving slots' prices.
    anchors: Option<[(U256, Vec<U256>); 3]>,
    /// Of a factor's feeds: the digits that are kept.
    digits: BTreeMap<PriceId, u8>,
}

impl<'b> Path<'b> {
    /// The path of a mover through a market; `quotes` are the book's at its own time, with or without doubts.
    ///
    /// `None` where nothing that the market reads moves, or what moves has no value today.
    #[must_use]
    pub fn new(book: &'b Book, market: usize, quotes: &[Quote], mover: Mover) -> Option<Path<'b>> {
        Path::at(book, market, quotes, mover, book.at)
    }

    /// The same of quotes of another time.
    pub(crate) fn at(
        book: &'b Book,
        market: usize,
        quotes: &[Quote],
        mover: Mover,
        at: Time,
    ) -> Option<Path<'b>> {
        let listed = book.markets.get(market)?;
        let quotes: Vec<Quote> = quotes.iter().map(|quote| quote.as_used()).collect();
        let readings = book.readings(listed, &quotes);
        let (now, decimals) = match &mover {
            Mover::Slot(slot) => (readings.get(*slot)?.value?, listed.market.slots().get(*slot)?.decimals),
            Mover::Leaf(leaf) => {
                let decimals = granularity(book, listed, *leaf)?;
                (quotes.get(leaf.0 as usize)?.value?.scaled_amount(decimals).ok()?, decimals)
            }
            Mover::Joint(_) | Mover::Factor { .. } => (U256::from(WHOLE), WHOLE_DECIMALS),
        };
        let motions = motions(book, &quotes, &mover);
        let slots = listed.market.slots().iter().enumerate();
        let moves = |slot: usize| match (&mover, listed.wiring.get(slot).copied().flatten()) {
            (Mover::Slot(moved), _) => *moved == slot,
            (_, Some(id)) => !matches!(motions[id.0 as usize], Motion::Still),
            (_, None) => false,
        };
        let moving: Vec<usize> = slots.map(|(slot, _)| slot).filter(|&slot| moves(slot)).collect();
        if moving.is_empty() || moving.iter().any(|&slot| readings[slot].value.is_none()) {
            return None;
        }
        let chord = match mover {
            Mover::Slot(_) => Some(vec![U256::ZERO]),
            _ => moving.iter().map(|&slot| chord(listed, slot, &motions)).collect(),
        };
        let feeds: &[&[PriceId]] = match &mover {
            Mover::Factor { with, against } => &[with, against],
            _ => &[],
        };
        let digits = feeds.concat().into_iter().map(|leaf| (leaf, crate::shock::digits(book, leaf)));
        let mut path = Path {
            digits: digits.collect(),
            book,
            listed,
            quotes,
            at,
            readings,
            mover,
            now,
            decimals,
            lowest: now,
            highest: now,
            moving,
            chord,
            anchors: None,
        };
        path.lowest = path.furthest(U256::ONE);
        let far = U256::new(1 << 40).mul(now).unwrap_or(U256::MAX);
        path.highest = path.furthest(far);
        path.anchors = path.chord.as_ref().and_then(|_| path.prices_of_ends());
        Some(path)
    }

    fn prices_of_ends(&self) -> Option<[(U256, Vec<U256>); 3]> {
        let mut readings = self.readings.clone();
        let mut anchor = |point: U256| {
            self.between(point, point, &mut readings)?;
            let prices: Option<Vec<U256>> = self.moving.iter().map(|&slot| readings[slot].value).collect();
            Some((point, prices?))
        };
        Some([anchor(self.lowest)?, anchor(self.now)?, anchor(self.highest)?])
    }

    /// Of a factor's path that ends before every factor is asked: the price that has no value one part beyond, or one that no venue takes,
    /// below and above.
    pub(crate) fn stops(&self) -> [Option<(U256, String)>; 2] {
        let far = U256::new(1 << 40).mul(self.now).unwrap_or(U256::MAX);
        let below = (self.lowest > U256::ONE).then(|| (self.lowest, self.lowest.sub(U256::ONE)));
        let above = (self.highest < far).then(|| (self.highest, self.highest.add(U256::ONE)));
        [below, above].map(|end| {
            let (end, beyond) = end?;
            Some((end, self.without(beyond?)?))
        })
    }

    /// The name of a price that cannot be had at a point.
    fn without(&self, point: U256) -> Option<String> {
        let Mover::Factor { with, against } = &self.mover else { return None };
        let whole = U256::from(WHOLE);
        let gone = |feeds: &[PriceId], part: (U256, U256)| {
            feeds.iter().copied().find(|feed| self.scaled(*feed, [part; 2]).is_none())
        };
        let feed = gone(with, (point, whole)).or_else(|| gone(against, (whole, point)));
        let wired = || {
            self.moving
                .iter()
                .find_map(|slot| self.listed.wiring[*slot].filter(|id| self.ends(*slot, *id, point)))
        };
        let id = feed.or_else(wired)?;
        Some(self.book.graph.price(id)?.name.clone())
    }

    /// Whether what a slot reads cannot be had at a point.
    fn ends(&self, slot: usize, id: PriceId, point: U256) -> bool {
        let Some(replaced) = self.replaced(point, point) else { return false };
        let quotes = self.book.graph.replaced(&self.quotes, &replaced, self.at);
        let read = &self.listed.market.slots()[slot];
        let value = quotes[id.0 as usize].reading(read.decimals).ok().and_then(|reading| reading.value);
        value.is_none_or(|value| value > read.highest || value == U256::ZERO)
    }

    /// What moves.
    #[must_use]
    pub fn mover(&self) -> &Mover {
        &self.mover
    }

    /// The slots of the market that move.
    #[must_use]
    pub fn moving(&self) -> &[usize] {
        &self.moving
    }

    /// What the market reads today, without doubts.
    #[must_use]
    pub fn today(&self) -> &[Reading] {
        &self.readings
    }

    /// Everything that the market may read between two points of the path, into `readings`, which has one entry
    /// for each slot. `None` beyond the ends of the path.
    #[must_use]
    pub fn between(&self, low: U256, high: U256, readings: &mut [Reading]) -> Option<()> {
        if let Mover::Slot(slot) = self.mover {
            readings[slot] = Reading { value: Some(low), doubt: None, low, high: Some(high) };
            return Some(());
        }
        let replaced = self.replaced(low, high)?;
        let quotes = self.book.graph.replaced(&self.quotes, &replaced, self.at);
        for &slot in &self.moving {
            let id = self.listed.wiring[slot]?;
            let reading = quotes[id.0 as usize].reading(self.listed.market.slots()[slot].decimals).ok()?;
            reading.value?;
            readings[slot] = reading;
        }
        Some(())
    }

    /// Down the path, the first point at which a slot's price is at most `most`; `None` where there is none, or a price does not
    /// fall with what moves.
    #[must_use]
    pub fn falls_to(&self, slot: usize, most: U256) -> Option<U256> {
        // Only of a straight line it is known that it does not rise again.
        self.chord.as_ref()?;
        let mut readings = self.readings.clone();
        let mut low = |point: U256| {
            self.between(point, point, &mut readings)?;
            Some(readings.get(slot)?.value? <= most)
        };
        let (mut above, mut below) = (self.now, self.lowest);
        if low(above)? || !low(below)? {
            return None;
        }
        loop {
            let width = above.sub_or_zero(below);
            if width <= U256::ONE {
                return Some(below);
            }
            let middle = below.add(width.half())?;
            if low(middle)? { below = middle } else { above = middle }
        }
    }

    /// How far a moving slot may be from the straight line between two points of the path (price units), in the
    /// order of [`Path::moving`]; `None` where a price is no straight line: a quotient by what moves, a cap.
    #[must_use]
    pub fn chord(&self) -> Option<&[U256]> {
        self.chord.as_deref()
    }

    /// The lowest point, today's and the highest, each with the prices of the moving slots there; `None` where one moves in no
    /// straight line.
    pub(crate) fn anchors(&self) -> Option<&[(U256, Vec<U256>); 3]> {
        self.anchors.as_ref()
    }

    fn replaced(&self, low: U256, high: U256) -> Option<Vec<(PriceId, Quote)>> {
        match &self.mover {
            Mover::Slot(_) => None,
            Mover::Leaf(leaf) => {
                let scale = self.quotes[leaf.0 as usize].scale;
                let decimal = |value: U256| Decimal { mantissa: value.into(), decimals: self.decimals };
                Some(vec![(*leaf, Quote::between(decimal(low), decimal(high), scale))])
            }
            Mover::Joint(legs) => legs.iter().map(|leg| self.joint(*leg, low, high)).collect(),
            Mover::Factor { with, against } => {
                let whole = U256::from(WHOLE);
                let with = with.iter().map(|&leaf| self.scaled(leaf, [(low, whole), (high, whole)]));
                let against = against.iter().map(|&leaf| self.scaled(leaf, [(whole, high), (whole, low)]));
                with.chain(against).collect()
            }
        }
    }

    /// A feed of a joint move: value x (1 + weight x (factor - 1)), rounded down twice.
    fn joint(&self, (leaf, weight): (PriceId, Weight), low: U256, high: U256) -> Option<(PriceId, Quote)> {
        let Quote { value, scale, .. } = self.quotes[leaf.0 as usize];
        let decimals = granularity(self.book, self.listed, leaf)?;
        let today = value?.scaled(decimals).ok()?;
        let at = |factor: U256| -> Option<Decimal> {
            let whole = Int::from(WHOLE);
            let moved = Int::from(factor)
                .sub(whole)?
                .mul(Int::new(i128::from(weight)))?
                .div(whole, Rounding::Down)?;
            let moved = today.mul(moved.add(whole)?)?.div(whole, Rounding::Down)?;
            (!moved.is_negative() && !moved.is_zero()).then_some(Decimal { mantissa: moved, decimals })
        };
        let (low, high) = if weight < 0 { (high, low) } else { (low, high) };
        Some((leaf, Quote::between(at(low)?, at(high)?, scale)))
    }

    /// A feed between two parts of today's value, each cut to the feed's digits.
    fn scaled(&self, leaf: PriceId, ends: [(U256, U256); 2]) -> Option<(PriceId, Quote)> {
        let Quote { value, scale, .. } = self.quotes[leaf.0 as usize];
        let decimals = *self.digits.get(&leaf)?;
        let today = value?.scaled_amount(decimals).ok()?;
        let [low, high] = ends.map(|(times, over)| {
            let moved =
                today.mul_div_wide(times, over, Rounding::Down).filter(|moved| *moved != U256::ZERO)?;
            Some(Decimal { mantissa: moved.into(), decimals })
        });
        Some((leaf, Quote::between(low?, high?, scale)))
    }

    /// The point nearest to `end` at which every price can be had; today's can.
    fn furthest(&self, end: U256) -> U256 {
        let mut readings = self.readings.clone();
        let mut valid = |point: U256| {
            let had = self.between(point, point, &mut readings).is_some();
            let slots = self.listed.market.slots();
            had && self.moving.iter().all(|&slot| {
                readings[slot].value.is_some_and(|value| value <= slots[slot].highest && value != U256::ZERO)
            })
        };
        if valid(end) {
            return end;
        }
        let (mut good, mut bad) = (self.now, end);
        loop {
            let (low, high) = (good.min(bad), good.max(bad));
            let width = high.sub_or_zero(low);
            if width <= U256::ONE {
                return good;
            }
            let middle = low.add(width.half()).unwrap_or(low);
            if valid(middle) { good = middle } else { bad = middle }
        }
    }
}

/// How a price follows what moves. An error is the width of the band around a straight line: a floor loses less
/// than one digit, so a point and a line between two such points are never further apart than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Motion {
    /// Not at all.
    Still,
    /// In a straight line, but for this much.
    Straight(Decimal),
    /// In some other way.
    Bent,
}

fn motions(book: &Book, quotes: &[Quote], mover: &Mover) -> Vec<Motion> {
    let mut motions: Vec<Motion> = Vec::new();
    for (at, price) in book.graph.prices().iter().enumerate() {
        let id = PriceId(at as u32);
        let moves = match mover {
            Mover::Slot(_) => false,
            Mover::Leaf(leaf) => *leaf == id,
            Mover::Joint(legs) => legs.iter().any(|(leaf, _)| *leaf == id),
            Mover::Factor { with, against } => with.contains(&id) || against.contains(&id),
        };
        let motion = match (mover, &price.origin) {
            (Mover::Leaf(_), _) if moves => Motion::Straight(Decimal::whole(Int::ZERO)),
            (Mover::Factor { against, .. }, _) if against.contains(&id) => Motion::Bent,
            (_, _) if moves => joint_error(quotes, id).map_or(Motion::Bent, Motion::Straight),
            (_, Origin::Product { legs, decimals, .. }) => straight(&motions, quotes, legs, None, *decimals),
            (_, Origin::Quotient { of, by, decimals, .. }) => {
                straight(&motions, quotes, &[*of], Some(*by), *decimals)
            }
            (_, Origin::MulDiv { of, times, over, decimals, .. }) => {
                straight(&motions, quotes, &[*of, *times], Some(*over), *decimals)
            }
            (_, origin) if origin.legs().iter().all(|leg| motions[leg.0 as usize] == Motion::Still) => {
                Motion::Still
            }
            _ => Motion::Bent,
        };
        motions.push(motion);
    }
    motions
}

/// The two roundings of [`Path::joint`]: the factor to a hundred-millionth of today's value, the value to a digit.
fn joint_error(quotes: &[Quote], id: PriceId) -> Option<Decimal> {
    let value = quotes[id.0 as usize].value?.trimmed();
    let decimals = value.decimals.checked_add(WHOLE_DECIMALS)?;
    Some(Decimal { mantissa: value.mantissa.add(Int::from(WHOLE))?, decimals })
}

/// A product with one leg in motion is straight, but for its own rounding and the leg's own error; over what stands still, too.
fn straight(
    motions: &[Motion],
    quotes: &[Quote],
    legs: &[PriceId],
    over: Option<PriceId>,
    decimals: u8,
) -> Motion {
    let motion = |id: PriceId| motions[id.0 as usize];
    if over.is_some_and(|over| motion(over) != Motion::Still) {
        return Motion::Bent;
    }
    let mut error: Option<Decimal> = None;
    let mut factor = Decimal::whole(Int::ONE);
    for leg in legs {
        match motion(*leg) {
            Motion::Bent => return Motion::Bent,
            Motion::Straight(_) if error.is_some() => return Motion::Bent,
            Motion::Straight(leg) => error = Some(leg),
            Motion::Still => {
                let Some(product) = quotes[leg.0 as usize].value.and_then(|value| times(factor, value))
                else {
                    return Motion::Bent;
                };
                factor = product;
            }
        }
    }
    let Some(error) = error else { return Motion::Still };
    let digit = Decimal { mantissa: Int::ONE, decimals };
    let error = times(error, factor).and_then(|error| match over {
        Some(over) => parts_of(error, quotes[over.0 as usize].value?, decimals),
        None => Some(error),
    });
    match error.and_then(|error| plus(error, digit)) {
        Some(error) => Motion::Straight(error),
        None => Motion::Bent,
    }
}

/// A quotient, rounded up to these digits; `None` also where the divisor is not positive.
fn parts_of(x: Decimal, y: Decimal, digits: u8) -> Option<Decimal> {
    if y.mantissa <= Int::ZERO {
        return None;
    }
    let power = |digits: u8| U256::pow10(digits).map(Int::from);
    let above = x.mantissa.mul(power(y.decimals.checked_add(digits)?)?)?;
    let below = y.mantissa.mul(power(x.decimals)?)?;
    Some(Decimal { mantissa: above.div(below, Rounding::Up)?, decimals: digits })
}

fn times(x: Decimal, y: Decimal) -> Option<Decimal> {
    Some(Decimal { mantissa: x.mantissa.mul(y.mantissa)?, decimals: x.decimals.checked_add(y.decimals)? })
}

fn plus(x: Decimal, y: Decimal) -> Option<Decimal> {
    let decimals = x.decimals.max(y.decimals);
    Some(Decimal { mantissa: x.scaled(decimals).ok()?.add(y.scaled(decimals).ok()?)?, decimals })
}

/// The error of a slot's straight line, in the slot's units, rounded up.
fn chord(listed: &ListedMarket, slot: usize, motions: &[Motion]) -> Option<U256> {
    let id = listed.wiring.get(slot).copied().flatten()?;
    let Motion::Straight(error) = motions[id.0 as usize] else { return None };
    let decimals = listed.market.slots()[slot].decimals;
    if error.decimals <= decimals {
        return error.scaled_amount(decimals).ok();
    }
    error.mantissa.magnitude().div(U256::pow10(error.decimals - decimals)?, Rounding::Up)
}

/// In which unit a feed moves: the venue's own where the market reads it as it is, else what it is written in, and
/// at least eight digits.
fn granularity(book: &Book, listed: &ListedMarket, leaf: PriceId) -> Option<u8> {
    let (scale, written) = match &book.graph.price(leaf)?.origin {
        Origin::Feed(Observation { price, scale, .. }) => (*scale, price.as_ref()?.trimmed().decimals),
        Origin::Constant(value) => (Scale::Decimal, value.trimmed().decimals),
        _ => return None,
    };
    if scale == Scale::Raw {
        return Some(0);
    }
    let slots = listed.market.slots().iter().zip(&listed.wiring);
    // A cap or floor hands its legs on as they are.
    let passed = |id: PriceId| hands_on(book, id, leaf);
    let finest = slots.filter(|(_, wired)| wired.is_some_and(passed)).map(|(slot, _)| slot.decimals).min();
    Some(finest.unwrap_or(written.max(8)))
}

fn hands_on(book: &Book, id: PriceId, leaf: PriceId) -> bool {
    book.graph.below(id, Origin::handed_on).contains(&leaf)
}

/// The readings as feeds.
#[must_use]
pub(crate) fn feeds(readings: &[Reading]) -> Feeds<'_> {
    Feeds { readings }
}
