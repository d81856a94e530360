//! What a scenario leaves unsaid of a book, and what cannot be held as it says.

use super::decide::Decided;
use super::moves::{DOLLAR, Moves};
use super::named::Same;
use super::{Said, names, read_slots};
use crate::ask::Misasked;
use plimsoll_core::{Book, FeedKind, Origin, PriceId, Scenario};
use std::collections::BTreeSet;

/// Why what is said of an asset says nothing of a price of the book.
fn uncounted(moves: &Moves<'_>, decided: &Decided) -> String {
    let asset = match decided {
        Decided::Unsaid(asset) if moves.only_wrong(asset) => {
            return "; by how much it is wrong comes on top of a move, or of frozen = true, which must be said before".into();
        }
        Decided::Uncounted(asset) => asset,
        _ => return String::new(),
    };
    match moves.counted_in(asset) {
        Some(DOLLAR) => format!(
            "; it is said in {DOLLAR}, and the book has no one price of {asset} in {DOLLAR} to count by: a feed of it is what is \
             missing, and --hold {asset} undoes what is said"
        ),
        Some(counted) => format!(
            "; it is said in {counted}, and the book has no one price of {counted} in the same currency to count by: \
             --map {asset}={counted} lets it move as {counted} does, --map {asset}={counted}*1.1 further"
        ),
        None => String::new(),
    }
}

/// Refuses a scenario that says nothing of something that is held, or says of its market what cannot be counted; the prices of what
/// is held that are constants. Decided is of each price what becomes of it, and what of it where oracles follow the market.
pub(super) fn unsaid(
    book: &Book,
    scenario: &Scenario,
    moves: &Moves<'_>,
    [decided, sales]: [&[Decided]; 2],
) -> Result<Vec<(String, String, String)>, Misasked> {
    let (mut missing, mut constant): (Vec<(String, String)>, Vec<_>) = (Vec::new(), Vec::new());
    // Who moves no price at all has said so of every one.
    let moves_none = scenario.shocks.is_empty();
    let miss = |missing: &mut Vec<(String, String)>, asset: &str, why: String| {
        if !moves_none && !missing.iter().any(|(known, _)| known == asset) {
            missing.push((asset.to_string(), why));
        }
    };
    // What is built on several feeds moves with each of them. What an issuer pays moves where a shock says so, and stands
    // beside a price of which something is said; where there is no such price, something must be said of one rate.
    let mut built: Vec<(Vec<String>, String)> = Vec::new();
    let redeemed = |id: PriceId| {
        let origin = book.graph.origin(id);
        matches!(origin, Some(Origin::Feed(feed)) if feed.kind == FeedKind::Redemption)
    };
    // What pools and vaults hold is nobody's price: it stands as the rate of a share does, unless it is named.
    let amounts = book.graph.amounts();
    for (listed, slots) in book.markets.iter().zip(read_slots(book)) {
        for slot in slots {
            let asset = &listed.market.slots()[slot].asset;
            // What has no price is unknown before and after.
            let Some(id) = listed.wiring.get(slot).copied().flatten() else { continue };
            let Some(price) = book.graph.price(id) else { continue };
            let says = |id: PriceId| decided[id.0 as usize].is_known();
            let leaves = book.graph.leaves(id);
            let prices = leaves.iter().copied().filter(|id| moves.is_feed(*id) && !amounts.contains(id));
            let feeds: Vec<PriceId> = prices.collect();
            match &decided[id.0 as usize] {
                _ if says(id) => {}
                _ if feeds.is_empty() => {
                    constant.push((listed.name.clone(), asset.clone(), price.name.clone()));
                }
                known @ (Decided::Unsaid(whose) | Decided::Uncounted(whose))
                    if matches!(price.origin, Origin::Feed(_)) =>
                {
                    let why = format!("{} reads {}{}", listed.name, price.name, uncounted(moves, known));
                    miss(&mut missing, whose, why);
                }
                _ => {
                    let of = feeds.iter().filter_map(|id| book.graph.price(*id)).map(|p| p.name.as_str());
                    let of: Vec<&str> = of.collect();
                    let why = format!("{} reads {} of {}", listed.name, price.name, of.join(", "));
                    let unsaid = feeds.iter().filter_map(|id| match &decided[id.0 as usize] {
                        known @ (Decided::Unsaid(whose) | Decided::Uncounted(whose)) => {
                            Some((redeemed(*id), whose, uncounted(moves, known)))
                        }
                        _ => None,
                    });
                    let (paid, priced): (Vec<_>, Vec<_>) = unsaid.partition(|(redeemed, ..)| *redeemed);
                    for (_, whose, words) in &priced {
                        miss(&mut missing, whose, format!("{why}{words}"));
                    }
                    if paid.len() == feeds.len() {
                        built.push((paid.into_iter().map(|(_, whose, _)| whose.clone()).collect(), why));
                    }
                }
            }
            // What is said of the market alone is of sales, by a price of sales where the book has one.
            // Where a shock says something of its oracle alone, its market stands.
            let sold = moves.sales_of(std::slice::from_ref(asset)).into_iter().map(|id| (id, true));
            let followed = leaves.iter().copied().filter(|id| !moves.is_sold(*id)).map(|id| (id, false));
            for (id, is_sale) in sold.chain(followed) {
                let Some(price) = book.graph.price(id) else { continue };
                let whose = match &sales[id.0 as usize] {
                    Decided::Uncounted(whose) => whose,
                    Decided::Unsaid(whose) if is_sale && moves.is_priced(id) && !moves.says(whose) => whose,
                    _ => continue,
                };
                let words = uncounted(moves, &sales[id.0 as usize]);
                miss(&mut missing, whose, format!("a sale of {asset} hangs on {}{words}", price.name));
            }
        }
    }
    for (whose, why) in built {
        let told = |name: &String| missing.iter().any(|(known, _)| known.split(" or ").any(|it| it == name));
        if !moves_none && !whose.iter().any(told) {
            missing.push((whose.join(" or "), why));
        }
    }
    if missing.is_empty() {
        Ok(constant)
    } else {
        Err(Misasked::Unsaid { scenario: scenario.name.clone(), missing })
    }
}

/// Refuses to hold what has the price of something that moves, or one that is built on it.
pub(super) fn still(
    [before, after]: [&Book; 2],
    same: &Same,
    held: &[String],
    said: &Said,
) -> Result<(), Misasked> {
    let [was, is] = [before, after].map(|book| book.graph.quotes(book.at));
    let moves = |id: &PriceId| was[id.0 as usize].value != is[id.0 as usize].value;
    for listed in &before.markets {
        for (slot, wired) in listed.market.slots().iter().zip(&listed.wiring) {
            let asset = &slot.asset;
            let Some(id) = wired.filter(|id| held.contains(asset) && moves(id)) else { continue };
            let leaves = before.graph.leaves(id).into_iter().filter(moves);
            let moving: BTreeSet<String> = leaves.flat_map(|id| names(before, id)).collect();
            // In another currency a price moves as that does, or against its own feed in it.
            let by_currency = |name: &String| same.are(name, &slot.currency) || same.are(name, asset);
            if slot.currency != DOLLAR && moving.iter().all(by_currency) {
                continue;
            }
            let of = Vec::from_iter(moving.iter().map(String::as_str)).join(", ");
            let built = !matches!(before.graph.origin(id), Some(Origin::Feed(_)));
            let how = if built { "of which its price is built" } else { "whose price it has there" };
            let too: String = moving.iter().map(|name| format!(" --hold {name}")).collect();
            let mapped = said.map.iter().find(|mapping| moving.contains(&mapping.asset));
            let or = match mapped {
                _ if said.hold.contains(asset) => format!("no --hold {asset}"),
                _ if built => format!("a scenario that does not hold {asset}"),
                Some(mapping) => format!("--map {asset}={}*{}", mapping.like, mapping.times),
                None => format!("--map {asset}={of}"),
            };
            let price = before.graph.price(id).map_or_else(String::new, |price| price.name.clone());
            let found = format!("that {asset} is held while {of} moves, {how}");
            return Err(Misasked::NoPrice {
                price,
                found,
                expected: format!("both held ({}), or {or}", too.trim()),
            });
        }
    }
    Ok(())
}
