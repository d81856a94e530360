//! `plimsoll exposure`: which leaves of the prices move what is held and owed; and the notes on blind prices that other
//! commands show.

mod json;

pub(crate) use json::blind_json;

use crate::args::ExposureArgs;
use crate::ask::{no_such, print_foot, refuse, words};
use crate::explain::full_name;
use crate::outlook::name;
use crate::show::outln;
use crate::whatif::table;
use crate::{exit, show};
use plimsoll::{Blind, Exposed, Exposure, Of, Source, Stands, Sums, Wired, exposure};
use plimsoll_core::{Book, FeedKind, Figure, Int, Leaf, Origin, PriceId, Quote, SharedPool, Sight};

pub(crate) fn run(args: &ExposureArgs) -> u8 {
    let mut book = match crate::check::open(&args.book, false) {
        Ok((book, _)) => book,
        Err(code) => return code,
    };
    let Some(at) = crate::check::time_of(&book, args.at.as_deref()) else { return exit::USAGE };
    book.at = at;
    let of = match (&args.owner, &args.account) {
        (Some(owner), _) => {
            let mut owners = book.accounts.iter().map(|listed| listed.owner.as_str());
            if let Some(code) = no_such("owner", owner, &mut owners) {
                return code;
            }
            Of::Owner(owner)
        }
        (None, Some(account)) => match plimsoll::account(&book, account) {
            Ok(place) => Of::Account(place),
            Err(why) => return refuse(&why),
        },
        (None, None) => Of::Book,
    };
    let answer = match exposure(&book, of) {
        Ok(answer) => answer,
        Err(unsound) => return crate::check::refused(&unsound),
    };
    let quotes = book.graph.quotes(book.at);
    if args.json {
        outln!("{:#}", json::of(&book, &answer, &quotes));
    } else {
        print(&book, &answer, &quotes);
    }
    let doubtful = |sums: &Sums| {
        let ids = sums.sources.keys().filter_map(|source| match source {
            Source::Price(id) => Some(*id),
            Source::Currency | Source::Venue => None,
        });
        ids.into_iter().any(|id| doubt(&quotes, id).is_some())
    };
    let unknown = !answer.unknown.is_empty() || answer.sums.iter().any(doubtful);
    if unknown { exit::UNKNOWN } else { exit::CALM }
}

fn doubt(quotes: &[Quote], id: PriceId) -> Option<String> {
    Some(quotes.get(id.0 as usize)?.doubt?.to_string())
}

fn print(book: &Book, answer: &Exposure, quotes: &[Quote]) {
    if !answer.held.is_empty() {
        print_held(book, answer);
    }
    for sums in &answer.sums {
        print_sums(book, sums, quotes);
    }
    print_prices(book, &answer.seen);
    print_pools(book, &answer.pools);
    for exposed in answer.held.iter().filter(|exposed| exposed.at_market.is_some()) {
        if let Some(at) = &exposed.at_market {
            outln!(
                "{} of {}: at {} worth {}, {} the venue's price",
                instrument(book, exposed),
                full_name(book, exposed.account),
                name(book, at.price),
                show::amount(at.value.into(), exposed.decimals, 2),
                apart(at.difference, exposed.decimals),
            );
        }
    }
    for (account, id, why) in &answer.unknown {
        let market = &book.markets[book.accounts[*account].market].market;
        let asset = market.instruments().get(id.index()).map_or("?", |one| one.name.as_str());
        outln!("UNKNOWN  {asset} of {} is in no sum: {}", full_name(book, *account), words(why));
    }
    print_foot(&answer.identity);
    outln!(
        "a feed carries a value where the value is counted in its currency, and moves all that is in proportion to it"
    );
}

/// `38 500.00 below`, `12.00 above`.
fn apart(difference: Int, decimals: u8) -> String {
    let by = show::amount(Int::from(difference.magnitude()), decimals, 2);
    format!("{by} {}", if difference.is_negative() { "below" } else { "above" })
}

fn instrument<'b>(book: &'b Book, exposed: &Exposed) -> &'b str {
    let market = &book.markets[book.accounts[exposed.account].market].market;
    market.instruments().get(exposed.instrument.index()).map_or("?", |one| one.asset.as_str())
}

pub(crate) const fn side(stands: Stands) -> &'static str {
    match stands {
        Stands::Collateral => "collateral",
        Stands::Beside => "beside",
        Stands::Debt => "debt",
    }
}

pub(crate) fn source(book: &Book, source: Source) -> String {
    match source {
        Source::Price(id) => name(book, id).to_string(),
        Source::Currency => "the currency itself".into(),
        Source::Venue => "the venue, at par".into(),
    }
}

/// What a source is: what kind of feed, or what is written down.
pub(crate) fn kind(book: &Book, source: Source) -> &'static str {
    let Source::Price(id) = source else { return "fixed" };
    match book.graph.origin(id) {
        Some(Origin::Feed(feed)) => match feed.kind {
            FeedKind::Oracle => "oracle",
            FeedKind::Market => "market",
            FeedKind::Redemption => "rate",
        },
        Some(Origin::Constant(_)) => "hard-coded",
        // A derived price is a leaf where it is a cap that binds.
        _ => "cap that binds",
    }
}

fn print_held(book: &Book, answer: &Exposure) {
    let mut rows = table(&["account", "asset", "", "value", "carried by", "moves with"], 3..4);
    for exposed in &answer.held {
        let pulls = |carries: bool| {
            let part = |amount: Int| show::amount(amount, exposed.decimals, 2);
            let told = exposed.pulls.iter().filter(|pull| carries != pull.carries.is_zero());
            let told = told.map(|pull| {
                let of = source(book, pull.source);
                format!("{of} {}", part(if carries { pull.carries } else { pull.moves }))
            });
            told.collect::<Vec<_>>().join(", ")
        };
        rows.add_row([
            full_name(book, exposed.account),
            instrument(book, exposed).to_string(),
            side(exposed.stands).into(),
            show::amount(exposed.value.into(), exposed.decimals, 2),
            pulls(true),
            pulls(false),
        ]);
    }
    outln!("{}\n", rows.trim_fmt());
}

fn print_sums(book: &Book, sums: &Sums, quotes: &[Quote]) {
    let Sums { currency, decimals, values, blind, sources } = sums;
    let money = |value: Int| show::amount(value, *decimals, 2);
    let title = format!("moved by ({currency})");
    let header =
        [title.as_str(), "", "carries of collateral", "%", "collateral", "beside", "debt", "net", ""];
    let mut rows = table(&header, 2..8);
    let mut ordered: Vec<_> = sources.iter().collect();
    ordered.sort_by(|(_, x), (_, y)| (y[0].0, y[0].1.magnitude()).cmp(&(x[0].0, x[0].1.magnitude())));
    for (from, sides) in ordered {
        let [(carried, collateral), (_, beside), (_, debt)] = *sides;
        let share = plimsoll::Ratio::of(carried, values[0]);
        let net = collateral.add(beside).and_then(|owned| owned.sub(debt));
        let doubt = match from {
            Source::Price(id) => doubt(quotes, *id).map(|why| why.to_uppercase()),
            Source::Currency | Source::Venue => None,
        };
        rows.add_row([
            source(book, *from),
            kind(book, *from).into(),
            money(carried),
            share.map_or_else(|| "-".into(), |share| share.digits(2, 2)),
            money(collateral),
            money(beside),
            money(debt),
            net.map_or_else(|| "-".into(), money),
            doubt.unwrap_or_default(),
        ]);
    }
    outln!("{}", rows.trim_fmt());
    let [collateral, beside, debt] = values.map(money);
    outln!("collateral {collateral}, owned beside {beside}, debt {debt} {currency}");
    if let Some((from, share)) = sums.largest() {
        outln!("most of the collateral hangs on {}: {} %", source(book, from), share.digits(2, 2));
    }
    if blind.iter().any(|value| !value.is_zero()) {
        let [collateral, beside, debt] = blind.map(money);
        outln!("at prices that see no market: collateral {collateral}, owned beside {beside}, debt {debt}");
    }
    outln!();
}

fn print_prices(book: &Book, seen: &[Wired]) {
    let mut rows =
        table(&["asset", "market", "price", "sees", "deep", "moved by", "not now by", "a sale"], 4..5);
    for one in seen {
        let names = |ids: &[PriceId]| ids.iter().map(|id| name(book, *id)).collect::<Vec<_>>().join(", ");
        let look = one.look.as_ref();
        let leaf = |leaf: &Leaf| {
            let weight = show::amount(leaf.weight, 18, 4);
            let whole = leaf.weight == Int::new(1_000_000_000_000_000_000);
            let of = name(book, leaf.id);
            if whole { of.to_string() } else { format!("{of} x {weight}") }
        };
        let leaves = |leaves: &[Leaf]| leaves.iter().map(leaf).collect::<Vec<_>>().join(", ");
        rows.add_row([
            one.asset.clone(),
            book.markets[one.market].name.clone(),
            name(book, one.price).to_string(),
            one.sight().map_or("unknown", Sight::name).into(),
            look.map_or_else(|| "-".into(), |look| look.depth.to_string()),
            look.map_or_else(|| "-".into(), |look| leaves(&look.leaves)),
            look.map_or_else(|| "-".into(), |look| names(&look.idle)),
            one.sale.map_or_else(String::new, |(id, value)| format!("{value} ({})", name(book, id))),
        ]);
    }
    outln!("{}", rows.trim_fmt());
    let pools = seen.iter().filter_map(|one| Some((one, one.look.as_ref()?)));
    for (one, look) in pools.filter(|(_, look)| !look.manipulable.is_empty()) {
        let pools: Vec<&str> = look.manipulable.iter().map(|id| name(book, *id)).collect();
        outln!("MANIPULABLE  {} by whoever trades in the pool behind {}", one.asset, pools.join(", "));
    }
}

/// What every part of a market put into a pool, owes it and lost of it, and how much of the pool's losses it bears.
fn print_pools(book: &Book, pools: &[(usize, SharedPool)]) {
    if pools.is_empty() {
        return;
    }
    let mut rows =
        table(&["pool", "through", "supplied", "drawn", "premium", "deficit", "liquidity", "bears %"], 2..8);
    for (market, pool) in pools {
        let name = format!("{} {}", book.markets[*market].name, pool.name);
        rows.add_row(pool_row(name, "all", &pool.figures, None));
        for member in &pool.members {
            let bears = plimsoll::Ratio::of(member.bears[1].into(), member.bears[0].into());
            rows.add_row(pool_row(String::new(), &member.name, &member.figures, bears));
        }
    }
    outln!("\n{}", rows.trim_fmt());
    outln!(
        "a deficit is debt that nobody owes any more: all who supply the pool bear it, through whichever part it came"
    );
}

fn pool_row(pool: String, through: &str, figures: &[Figure], bears: Option<plimsoll::Ratio>) -> [String; 8] {
    let told = |name: &str| {
        let found = figures.iter().find(|figure| figure.name == name);
        found.map_or_else(String::new, |one| show::amount(one.value, one.unit.decimals, 2))
    };
    let bears = bears.map_or_else(String::new, |share| share.digits(2, 2));
    let [supplied, drawn] = ["supplied", "drawn"].map(told);
    let [premium, deficit, liquidity] = ["premium", "deficit", "liquidity"].map(told);
    [pool, through.into(), supplied, drawn, premium, deficit, liquidity, bears]
}

/// What `check` says of collateral at prices that see no market.
pub(crate) fn blind_notes(book: &Book, blind: &[Blind]) -> Vec<String> {
    let note = |blind: &Blind| {
        let how = match blind.sight {
            Sight::Fixed => "is at a hard-coded price",
            _ => "follows an exchange rate only",
        };
        let at = blind.at_market.as_ref().map(|at| {
            format!(", and worth {} that at {}", apart(at.difference, blind.decimals), name(book, at.price))
        });
        format!("{} {how} ({}){}", blind.asset, name(book, blind.price), at.unwrap_or_default())
    };
    blind.iter().map(note).collect()
}
