//! What markets offer, as files: quotes of a router, pools, order books. Curves are made of them; `docs/calibrate.md` describes the files.

use super::{Opened, gas, head, number};
use crate::book::files::{self, File};
use crate::fault::{Code, Log, Source, Span, quoted};
use crate::fields::{few, line, named, names, once, one, part};
use crate::scalar;
use crate::table::{Cell, Row, Rows};
use crate::tree::{Fields, Node, flag, read_toml, text};
use plimsoll_core::depth::{Pool, Rule, Slope, SoldFor};
use plimsoll_core::{Decimal, Depth, DepthCurve, Int, Rounding, U256};
use std::collections::BTreeMap;
use std::path::Path;

/// A table longer than this, unpacked \[bytes\], is refused.
const TABLE_MAX: u64 = 256 << 20;
/// Columns of quotes: what is sold, for what, how much, what it brings, and the part of the first price that it lost.
const QUOTES: [&str; 5] = ["sell", "buy", "sold", "bought", "lost"];
const LEVELS: [&str; 3] = ["side", "price", "quantity"];

/// Makes depth curves of a file of offers and the tables that it names, which lie beside it.
#[must_use]
pub fn make(path: &Path) -> Opened {
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let file = File::open(path);
    make_of(file, &|name| files::load(name.to_string(), &folder.join(name), TABLE_MAX))
}

/// The same, where somebody else hands the tables on.
#[must_use]
pub fn make_of(file: File, table: &dyn Fn(&str) -> File) -> Opened {
    let mut log = Log::default();
    let mut sources = files::texts(vec![file], &mut log);
    let depth = match sources.first().filter(|source| !source.unread) {
        Some(source) => {
            let node = read_toml(source, 0, &mut log);
            node.and_then(|node| whole(&node, table, &mut sources, &mut log))
        }
        None => None,
    };
    let faults = once(log.finish(&sources));
    Opened { depth: depth.filter(|_| faults.is_empty()), faults }
}

/// An asset: its names, what tables call it, and the digits of raw amounts.
struct Asset {
    names: Vec<String>,
    id: Option<String>,
    decimals: u8,
}

/// What an asset can be sold for what by, from several sources.
#[derive(Default)]
struct Ways {
    quotes: Vec<[U256; 3]>,
    /// Each is a market of its own.
    markets: Vec<Slope>,
}

struct Plan<'s> {
    assets: Vec<Asset>,
    /// By the places of what is sold and what for.
    ways: BTreeMap<(usize, usize), Ways>,
    table: &'s dyn Fn(&str) -> File,
}

fn whole(
    node: &Node,
    table: &dyn Fn(&str) -> File,
    sources: &mut Vec<Source>,
    log: &mut Log,
) -> Option<Depth> {
    let mut fields = Fields::of(node, log)?;
    crate::fields::format(&mut fields, log)?;
    let name = fields.need("name", log).and_then(|node| named(node, log));
    let told = fields.need("sources", log).and_then(|node| {
        let lines = few(node, log)?.iter().map(|node| line(node, log).map(str::to_string));
        lines.collect::<Option<Vec<_>>>()
    });
    let nothing = Some(Decimal::whole(Int::ZERO));
    let recovers = fields.take("recovers").map_or(nothing, |node| part(node, log));
    let left = fields.take("liquidity").map_or(Some(None), |node| part(node, log).map(Some));
    let any = fields.take("any").map_or(Some(false), |node| flag(node, log));
    let gas = fields
        .take("gas")
        .map_or(Some(Vec::new()), |node| few(node, log)?.iter().map(|node| gas(node, log)).collect());
    let assets = fields
        .need("asset", log)
        .and_then(|node| few(node, log)?.iter().map(|node| asset(node, log)).collect::<Option<Vec<Asset>>>());
    let lists = ["quotes", "pool", "levels"].map(|name| fields.take(name));
    fields.finish(log);
    let mut plan = Plan { assets: assets?, ways: BTreeMap::new(), table };
    let [quotes, pools, levels] = lists.map(|node| node.map_or(Some(&[][..]), |node| few(node, log)));
    for node in quotes? {
        plan.quotes(node, sources, log);
    }
    for node in pools? {
        plan.pool(node, log);
    }
    for node in levels? {
        plan.levels(node, sources, log);
    }
    let (mut told, left) = (told?, left?);
    told.extend(left.map(|left| format!("assumed: {left} of this liquidity is left")));
    // A part has no more digits than amounts here.
    let left = left.map_or(Some(None), |left| left.scaled_amount(Depth::DECIMALS).ok().map(Some))?;
    let (curves, unfit) = plan.curves(any?, left);
    for (from, to) in &unfit {
        let found = format!("offers of {from} for {to} that make no curve");
        let expected =
            "amounts that fit into 256 bits, and markets none of which pays more for the next piece";
        log.at(Code::OutOfRange, head(node.span), found, expected);
    }
    if curves.is_empty() && unfit.is_empty() {
        log.at(
            Code::OutOfRange,
            head(node.span),
            "no offer of a known asset",
            "quotes, pools or levels of some",
        );
    }
    Some(Depth { name: name?, sources: told, curves, gas: gas?, recovers: recovers? })
}

fn asset(node: &Node, log: &mut Log) -> Option<Asset> {
    let mut fields = Fields::of(node, log)?;
    let names = fields.need("names", log).and_then(|node| names(node, log));
    let id = fields.take("id").map_or(Some(None), |node| named(node, log).map(Some));
    let decimals = fields.take("decimals").map_or(Some(0), |node| scalar::between(node, 0, 36, log));
    fields.finish(log);
    Some(Asset { names: names?, id: id?, decimals: u8::try_from(decimals?).ok()? })
}

impl Plan<'_> {
    /// An asset by its name or by what tables call it.
    fn place(&self, name: &str) -> Option<usize> {
        let called = |asset: &Asset| {
            asset.names.iter().any(|known| known == name)
                || asset.id.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(name))
        };
        self.assets.iter().position(called)
    }

    fn known(&self, node: &Node, log: &mut Log) -> Option<usize> {
        let name = text(node, log)?;
        let place = self.place(name);
        if place.is_none() {
            log.at(Code::UnknownAsset, node.span, quoted(name), "an asset of this file");
        }
        place
    }

    /// Reads a table beside the file: `each` is given the cells of the columns, of a row that has them all.
    fn rows(
        &self,
        node: &Node,
        columns: &[String],
        least: usize,
        sources: &mut Vec<Source>,
        log: &mut Log,
        mut each: impl FnMut(&[Option<&Cell<'_>>], &mut Log),
    ) -> Option<()> {
        let name = named(node, log)?;
        let id = u16::try_from(sources.len()).ok()?;
        sources.extend(files::texts(vec![files::unpacked((self.table)(&name), TABLE_MAX)], log));
        let source = sources.last().filter(|source| !source.unread)?;
        let mut rows = Rows::new(source, id, b',');
        let mut row = Row::default();
        rows.next(&mut row, log);
        let place = |column: &String| row.cells.iter().position(|cell| cell.text == *column);
        let places: Vec<Option<usize>> = columns.iter().map(place).collect();
        let width = row.cells.len();
        if let Some(missing) = places[..least].iter().position(Option::is_none) {
            let expected = format!("the columns {}", columns[..least].join(", "));
            let span = Span { source: id, start: 0, end: 0 };
            log.at(Code::MissingColumn, span, format!("no `{}`", columns[missing]), expected);
            return None;
        }
        while rows.next(&mut row, log) {
            if row.cells.len() != width {
                let (found, expected) =
                    (format!("{} cells", row.cells.len()), format!("{width}, as in the header"));
                log.at(Code::RowLength, row.cells[0].span, found, expected);
                continue;
            }
            let cells: Vec<Option<&Cell<'_>>> = places.iter().map(|at| at.map(|at| &row.cells[at])).collect();
            each(&cells, log);
        }
        Some(())
    }

    fn quotes(&mut self, node: &Node, sources: &mut Vec<Source>, log: &mut Log) -> Option<()> {
        let mut fields = Fields::of(node, log)?;
        let file = fields.need("file", log);
        let columns = fields.take("columns").map_or(Some(QUOTES.map(String::from).to_vec()), |node| {
            let given = names(node, log)?;
            if !(4..=5).contains(&given.len()) {
                let expected = "four or five: sell, buy, sold, bought, and what was lost of the first price";
                log.at(Code::OutOfRange, node.span, format!("{} columns", given.len()), expected);
                return None;
            }
            Some(given)
        });
        fields.finish(log);
        let mut found: Vec<((usize, usize), [U256; 3])> = Vec::new();
        self.rows(file?, &columns?, 4, sources, log, |cells, log| {
            let [Some(sell), Some(buy), Some(sold), Some(bought), lost @ ..] = cells else { return };
            // Rows of assets that the file does not name are not asked for.
            let (Some(from), Some(to)) = (self.place(&sell.text), self.place(&buy.text)) else { return };
            let amount = |cell: &Cell<'_>, digits, log: &mut Log| digits_of(cell, digits, log);
            let (from_digits, to_digits) = (self.assets[from].decimals, self.assets[to].decimals);
            let lost = match lost.first().copied().flatten() {
                Some(cell) => amount(cell, 0, log).filter(|lost| at_most_all(*lost, cell, log)),
                // The best price of all is the first; see `curves`.
                None => Some(U256::MAX),
            };
            if let (Some(sold), Some(bought), Some(lost)) =
                (amount(sold, from_digits, log), amount(bought, to_digits, log), lost)
            {
                found.push(((from, to), [sold, bought, lost]));
            }
        })?;
        for (pair, quote) in found {
            self.ways.entry(pair).or_default().quotes.push(quote);
        }
        Some(())
    }

    fn pool(&mut self, node: &Node, log: &mut Log) -> Option<()> {
        let mut fields = Fields::of(node, log)?;
        let rule = fields.need("rule", log).and_then(|node| {
            let kinds = [("constant product", false), ("stableswap", true)];
            Some((scalar::word(text(node, log)?, node.span, &kinds, log)?, node.span))
        });
        let amplification = fields.take("amplification");
        let assets = fields.need("assets", log).and_then(|node| {
            few(node, log)?.iter().map(|node| self.known(node, log)).collect::<Option<Vec<_>>>()
        });
        let held = fields.need("reserves", log);
        let reserves = held.and_then(|node| {
            few(node, log)?.iter().map(|node| Some(number(node, log)?.1)).collect::<Option<Vec<U256>>>()
        });
        let none = Some(Decimal::whole(Int::ZERO));
        let fee = fields.take("fee").map_or(none, |node| part(node, log));
        fields.finish(log);
        let ((stable, span), assets, reserves) = (rule?, assets?, reserves?);
        let rule = match (stable, amplification) {
            (true, Some(node)) => Rule::StableSwap(U256::from(scalar::between(node, 1, 1_000_000, log)?)),
            (false, None) => Rule::ConstantProduct,
            (true, None) => {
                log.at(Code::MissingField, span, "nothing beside it", "`amplification`: the contract's A");
                return None;
            }
            (false, Some(node)) => {
                log.at(Code::Exclusive, node.span, "`amplification`", "none of a constant product");
                return None;
            }
        };
        // A part has no more digits than amounts here.
        let fee = fee?.scaled_amount(Depth::DECIMALS).ok()?;
        let pool = Pool { rule, reserves, fee };
        if !stable && assets.len() != 2 {
            log.at(Code::OutOfRange, span, format!("{} assets", assets.len()), "two assets");
            return None;
        }
        if assets.len() != pool.reserves.len() || !(2..=8).contains(&assets.len()) {
            let found = format!("{} assets and {} reserves", assets.len(), pool.reserves.len());
            log.at(Code::OutOfRange, span, found, "as many of both, from two up to eight");
            return None;
        }
        for (i, from) in assets.iter().enumerate() {
            for (j, to) in assets.iter().enumerate().filter(|(j, _)| *j != i) {
                let Some(slope) = pool.slope(i, j) else {
                    log.at(Code::OutOfRange, span, "reserves that answer no sale", "reserves above zero");
                    return None;
                };
                self.ways.entry((*from, *to)).or_default().markets.push(slope);
            }
        }
        Some(())
    }

    fn levels(&mut self, node: &Node, sources: &mut Vec<Source>, log: &mut Log) -> Option<()> {
        let mut fields = Fields::of(node, log)?;
        let [sell, buy] = ["asset", "in"].map(|name| {
            let node = fields.need(name, log)?;
            self.known(node, log)
        });
        let given = one(&mut fields, ["file", "bids"], log);
        let asks = fields.take("asks");
        fields.finish(log);
        let mut sides: [Vec<[U256; 2]>; 2] = [Vec::new(), Vec::new()];
        let (sell, buy, (what, node)) = (sell?, buy?, given?);
        if what == "file" {
            if let Some(asks) = asks {
                log.at(Code::Exclusive, asks.span, "also `asks`", "a file has both sides");
                return None;
            }
            let columns = LEVELS.map(String::from);
            self.rows(node, &columns, 3, sources, log, |cells, log| {
                let [Some(side), Some(price), Some(quantity)] = cells else { return };
                let sides_of = [("bid", 0_usize), ("ask", 1)];
                let Some(side) = scalar::word(&side.text, side.span, &sides_of, log) else { return };
                if let (Some(price), Some(quantity)) = (digits_of(price, 0, log), digits_of(quantity, 0, log))
                {
                    sides[side].push([price, quantity]);
                }
            })?;
        } else {
            for (side, list) in sides.iter_mut().zip([Some(node), asks]) {
                for pair in list.map_or(Some(&[][..]), |list| few(list, log))? {
                    let [price, quantity] = few(pair, log)? else {
                        log.at(Code::WrongKind, pair.span, "another list", "a pair: price and quantity");
                        return None;
                    };
                    side.push([number(price, log)?.1, number(quantity, log)?.1]);
                }
            }
        }
        let [mut bids, mut asks] = sides;
        for side in [&mut bids, &mut asks] {
            // Where nothing is offered there is no level.
            side.retain(|[_, quantity]| *quantity != U256::ZERO);
        }
        bids.sort_by(|a, b| b[0].cmp(&a[0]));
        asks.sort_by(|a, b| a[0].cmp(&b[0]));
        let (Some([bid, _]), Some([ask, _])) = (bids.first(), asks.first()) else {
            log.at(Code::OutOfRange, node.span, "one side", "bids and asks: their middle is the first price");
            return None;
        };
        if bid >= ask || *bid == U256::ZERO {
            log.at(
                Code::Contradiction,
                node.span,
                "a bid as high as an ask",
                "prices above zero that do not cross",
            );
            return None;
        }
        // Raised, so that no bid is above it where the two are a unit apart.
        let middle = bid.add(*ask).and_then(|sum| sum.div(U256::new(2), Rounding::Up));
        let slopes =
            middle.and_then(|middle| Some([Slope::of_bids(&bids, middle)?, Slope::of_asks(&asks, middle)?]));
        let Some([of_bids, of_asks]) = slopes else {
            let expected = "prices and quantities whose sums fit into 256 bits";
            log.at(Code::OutOfRange, node.span, "levels that make no curve", expected);
            return None;
        };
        self.ways.entry((sell, buy)).or_default().markets.push(of_bids);
        self.ways.entry((buy, sell)).or_default().markets.push(of_asks);
        Some(())
    }

    /// A curve for each pair; where it is wanted, one for each asset for whatever is owed. Then the pairs, by name, whose offers make none.
    fn curves(self, any: bool, left: Option<U256>) -> (Vec<DepthCurve>, Vec<(String, String)>) {
        let (mut curves, mut unfit) = (Vec::new(), Vec::new());
        let mut of: BTreeMap<usize, Vec<Slope>> = BTreeMap::new();
        let name = |place: usize| self.assets[place].names[0].clone();
        for ((from, to), ways) in self.ways {
            let Some(slope) = ways.slope(left) else {
                unfit.push((name(from), name(to)));
                continue;
            };
            let against = self.assets[to].names.clone();
            curves.push(slope.curve(SoldFor { assets: self.assets[from].names.clone(), against }));
            of.entry(from).or_default().push(slope);
        }
        for (from, slopes) in of.iter().filter(|_| any) {
            let sold = SoldFor { assets: self.assets[*from].names.clone(), against: Vec::new() };
            match Slope::better(slopes) {
                Some(slope) => curves.push(slope.curve(sold)),
                None => unfit.push((name(*from), "whatever is owed".into())),
            }
        }
        (curves, unfit)
    }
}

impl Ways {
    /// Pools and order books are separate, so a sale is shared among them; a router's quotes go through the same pools, and the better of
    /// the two counts at each size. Of liquidity of which a part is left every size is so much smaller.
    fn slope(self, left: Option<U256>) -> Option<Slope> {
        let mut slopes = Vec::new();
        if !self.markets.is_empty() {
            slopes.push(Slope::together(&self.markets)?);
        }
        if !self.quotes.is_empty() {
            slopes.push(quoted_slope(self.quotes)?);
        }
        let slope = if let [one] = slopes.as_slice() { one.clone() } else { Slope::better(&slopes)? };
        match left {
            Some(left) => slope.shrunk(left),
            None => Some(slope),
        }
    }
}

/// The curve of quotes; `None` where they make none. Where what they lost is not said, the best price among them is the first.
fn quoted_slope(mut quotes: Vec<[U256; 3]>) -> Option<Slope> {
    quotes.retain(|[sold, ..]| *sold != U256::ZERO);
    let one = U256::pow10(Depth::DECIMALS)?;
    let rate = |sold: U256, bought: U256| bought.mul_div_wide(one, sold, Rounding::Down);
    let best = quotes.iter().filter_map(|[sold, bought, _]| rate(*sold, *bought)).max()?;
    let lost = |[sold, bought, lost]: &[U256; 3]| {
        let (sold, bought, lost) = (*sold, *bought, *lost);
        if lost != U256::MAX {
            return Some([sold, lost]);
        }
        let kept = rate(sold, bought)?.mul_div_wide(one, best, Rounding::Down)?;
        Some([sold, one.sub_or_zero(kept)])
    };
    Slope::of_quotes(quotes.iter().map(lost).collect::<Option<_>>()?)
}

/// Whether a part that was lost (10^-18) is at most all of it.
fn at_most_all(lost: U256, cell: &Cell<'_>, log: &mut Log) -> bool {
    let fits = U256::pow10(Depth::DECIMALS).is_some_and(|one| lost <= one);
    if !fits {
        let expected = "a part of the first price, from 0 to 1";
        log.at(Code::OutOfRange, cell.span, quoted(&cell.text), expected);
    }
    fits
}

/// A number of a table as 10^-18, cut, perhaps with an exponent, where the table counts in 10^-`digits`.
fn digits_of(cell: &Cell<'_>, digits: u8, log: &mut Log) -> Option<U256> {
    let found = scientific(&cell.text, digits);
    if found.is_none() {
        log.at(
            Code::NotANumber,
            cell.span,
            quoted(&cell.text),
            "a number from zero up, such as 1234.5 or 1.5e20",
        );
    }
    found
}

fn scientific(text: &str, digits: u8) -> Option<U256> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => {
            (number, exponent.strip_prefix('+').unwrap_or(exponent).parse::<i32>().ok()?)
        }
        None => (text, 0),
    };
    let number: Decimal = number.parse().ok()?;
    let raw = number.mantissa.to_u256()?;
    let up =
        exponent.checked_add(i32::from(Depth::DECIMALS))? - i32::from(number.decimals) - i32::from(digits);
    let power = U256::pow10(u8::try_from(up.unsigned_abs()).ok()?);
    if up < 0 {
        // So many digits are cut that nothing is left.
        return power.map_or(Some(U256::ZERO), |power| raw.div(power, Rounding::Down));
    }
    raw.mul(power?)
}
