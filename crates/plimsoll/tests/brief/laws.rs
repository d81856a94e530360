//! The laws of any answer, and how pairs of books are made.

use plimsoll::{
    AccountChange, Amounts, Brief, Cause, Change, Compared, Ladder, NewPrice, Stake, Sum, SumChange, Tier,
    brief, check, whatif, whatif_all,
};
use plimsoll_core::{Book, Decimal, Int, Observation, Origin, U256};
use std::collections::BTreeMap;

pub(crate) const BOOKS: [&str; 8] =
    ["treasury", "lending", "compound_v3", "liquity", "maker", "hubs", "crash", "margin"];
pub(crate) const DAY: u64 = 86_400;

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

#[track_caller]
pub(crate) fn compare(older: &Book, newer: &Book) -> Brief {
    let asked = Compared { ladder: Ladder::default(), owner: None, top: usize::MAX };
    brief(older, newer, &asked).unwrap_or_else(|why| panic!("{why}"))
}

/// Everybody of either book.
pub(crate) fn everybody(found: &Brief) -> Vec<&AccountChange> {
    let gone = found.moved.iter().filter(|one| one.places[1].is_none());
    found.worst.iter().chain(gone).collect()
}

pub(crate) fn of<'b>(found: &'b Brief, name: &str) -> &'b AccountChange {
    everybody(found).into_iter().find(|one| one.name == name).expect("the account")
}

pub(crate) const NOTHING: Amounts =
    Amounts { collateral: Int::ZERO, debt: Int::ZERO, headroom: Int::ZERO, uncovered: Int::ZERO };

pub(crate) fn numbers(amounts: &Amounts) -> [Int; 4] {
    [amounts.collateral, amounts.debt, amounts.headroom, amounts.uncovered]
}

pub(crate) fn plus(x: [Int; 4], y: [Int; 4]) -> [Int; 4] {
    [0, 1, 2, 3].map(|at: usize| x[at].add(y[at]).expect("within 256 bits"))
}

pub(crate) fn less(x: [Int; 4], y: [Int; 4]) -> [Int; 4] {
    plus(x, y.map(Int::neg))
}

/// What `check` says of each account of a book, by its place: collateral, debt, headroom and uncovered debt in units of so many
/// decimals.
pub(crate) fn checked(book: &Book, decimals: impl Fn(usize) -> u8) -> Vec<Option<[Int; 4]>> {
    let answer = check(book, book.at, &Ladder::default()).expect("a book");
    let mut all = vec![None; book.accounts.len()];
    for row in &answer.rows {
        let (Ok(line), Ok(loans)) = (row.liquidation.own, row.borrowing.own) else { continue };
        let to = decimals(book.accounts[row.account].market);
        let scale = |value: Int, from: u8| {
            value.mul(Int::from(U256::pow10(to - from).expect("few digits"))).expect("within 256 bits")
        };
        let collateral = scale(loans.collateral, loans.unit.decimals);
        let debt = scale(loans.debt, loans.unit.decimals);
        let headroom = line.backing.sub(line.requirement).expect("within 256 bits");
        let uncovered = debt.sub(collateral).expect("within 256 bits").max(Int::ZERO);
        all[row.account] = Some([collateral, debt, scale(headroom, line.unit.decimals), uncovered]);
    }
    all
}

/// Holds the laws of any answer: ends are what `check` says, parts add to the change, sums are those of the accounts.
#[track_caller]
pub(crate) fn lawful(older: &Book, newer: &Book, about: &str) -> Brief {
    let found = compare(older, newer);
    let decimals = |book: &Book, market: usize| {
        let name = &book.markets[market].name;
        found.markets.iter().find(|one| one.name == *name && !one.replaced).expect("a market").sum.decimals
    };
    let ends =
        [checked(older, |market| decimals(older, market)), checked(newer, |market| decimals(newer, market))];
    let mut sums: BTreeMap<usize, [[Int; 4]; 9]> = BTreeMap::new();
    let mut apart: BTreeMap<usize, u64> = BTreeMap::new();
    let mut unknowns: BTreeMap<usize, [Int; 2]> = BTreeMap::new();
    let mut listed = [0, 0];
    for one in everybody(&found) {
        let change = &one.change;
        let told = [change.before, change.after];
        for end in 0..2 {
            let expected = one.places[end].map_or(Some([Int::ZERO; 4]), |place| ends[end][place]);
            listed[end] += usize::from(one.places[end].is_some());
            if let Some(told) = &told[end] {
                assert_eq!(Some(numbers(told)), expected, "{about}: {} at end {end}", one.name);
            }
        }
        let known = |amounts: &Option<Amounts>| numbers(&amounts.unwrap_or(NOTHING));
        let compared = change.before.is_some() && change.after.is_some();
        assert_eq!(change.unsplit.is_some(), compared, "{about}: {}", one.name);
        if let Some(unsplit) = &change.unsplit {
            let sum = change.parts.iter().fold(numbers(unsplit), |sum, part| plus(sum, known(part)));
            assert_eq!(sum, less(known(&change.after), known(&change.before)), "{about}: {}", one.name);
        }
        if change.is_whole() {
            assert_eq!(change.unsplit, Some(NOTHING), "{about}: {}", one.name);
            assert_eq!(change.untold, None, "{about}: {}", one.name);
        } else {
            assert!(change.untold.is_some(), "{about}: {}", one.name);
        }
        let into = sums.entry(one.market).or_insert([[Int::ZERO; 4]; 9]);
        let [own, interest, rules, prices] = &change.parts;
        let all = [&change.before, &change.after, own, interest, rules, prices, &change.unsplit];
        // Who is valued at one end alone stands apart, at that end.
        let (into, all) = if compared { (&mut into[..7], &all[..]) } else { (&mut into[7..], &all[..2]) };
        for (sum, amounts) in into.iter_mut().zip(all) {
            *sum = plus(*sum, known(amounts));
        }
        *apart.entry(one.market).or_insert(0) += u64::from(change.before.is_some() != change.after.is_some());
        let unknown = unknowns.entry(one.market).or_insert([Int::ZERO; 2]);
        for end in (0..2).filter(|end| one.tiers[*end] == Some(Tier::Unknown)) {
            let debt = told[end].map_or(Int::ZERO, |told| told.debt);
            unknown[end] = unknown[end].add(debt).expect("within 256 bits");
        }
    }
    assert_eq!(listed, [older.accounts.len(), newer.accounts.len()], "{about}");
    for (at, market) in found.markets.iter().enumerate() {
        let SumChange { before, after, parts: [own, interest, rules, prices], unsplit, .. } = &market.sum;
        let [was, is] = &market.sum.uncompared;
        let told = [before, after, own, interest, rules, prices, unsplit, was, is].map(numbers);
        assert_eq!(told, sums.get(&at).copied().unwrap_or([[Int::ZERO; 4]; 9]), "{about}: {}", market.name);
        assert_eq!(market.sum.uncompared_accounts, apart.get(&at).copied().unwrap_or(0), "{about}");
        // Parts and the rest make the change, whoever is in it.
        let change = [own, interest, rules, prices].map(numbers).into_iter().fold(numbers(unsplit), plus);
        assert_eq!(change, less(numbers(after), numbers(before)), "{about}: {}", market.name);
        let unknown = unknowns.get(&at).copied().unwrap_or([Int::ZERO; 2]);
        assert_eq!(market.sum.unknown, unknown, "{about}: {}", market.name);
    }
    for sum in &found.sums {
        let change = sum.parts.iter().fold(numbers(&sum.unsplit), |all, part| plus(all, numbers(part)));
        assert_eq!(change, less(numbers(&sum.after), numbers(&sum.before)), "{about}: {}", sum.currency);
    }
    let tiers = |end: usize| found.tiers[end].values().sum::<u64>() as usize;
    assert_eq!([tiers(0), tiers(1)], listed, "{about}");
    let all = found.transitions.values().sum::<u64>() as usize;
    assert_eq!(all, everybody(&found).len(), "{about}");
    found
}

/// Only this part of every account's change is not nothing; how many accounts it is anything of.
#[track_caller]
pub(crate) fn only(found: &Brief, cause: Cause, about: &str) -> usize {
    let mut changed = 0;
    for one in everybody(found) {
        for (other, part) in Cause::ALL.iter().zip(&one.change.parts) {
            if *other != cause {
                assert_eq!(part.unwrap_or(NOTHING), NOTHING, "{about}: {} by {}", one.name, other.name());
            } else {
                changed += usize::from(part.is_some_and(|part| part != NOTHING));
            }
        }
        assert!(
            one.change.is_whole() || one.change.before.is_none() || one.change.after.is_none(),
            "{about}: {}",
            one.name
        );
    }
    changed
}

pub(crate) fn done(book: &Book, changes: &[Change]) -> Book {
    let answer = whatif_all(book, changes, &Ladder::default()).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(answer.refused, None);
    answer.book
}

/// What one account's actions make of a book; `None` where they are refused or cannot be meant.
pub(crate) fn acted(book: &Book, account: usize, changes: &[Change]) -> Option<Book> {
    let answer = whatif(book, account, changes, &Ladder::default()).ok()?;
    answer.refused.is_none().then_some(answer.book)
}

pub(crate) fn stake(sum: &str, asset: &str) -> Stake {
    Stake { sum: Sum::Exactly(decimal(sum)), asset: asset.into() }
}

/// Every price that somebody observes, so many per cent higher.
pub(crate) fn moved(book: &Book, percent: &str) -> Book {
    let mut next = book.clone();
    for (at, price) in book.graph.prices().iter().enumerate() {
        let Origin::Feed(Observation { price: Some(_), .. }) = &price.origin else { continue };
        let name = book.graph.prices()[at].name.clone();
        let to = NewPrice::Percent(decimal(percent));
        if let Ok(answer) = whatif_all(&next, &[Change::Price { name, to }], &Ladder::default()) {
            next = answer.book;
        }
    }
    next
}

/// Rules of the venues that decide where accounts stand, set otherwise.
pub(crate) fn amended(book: &Book) -> (Book, usize) {
    const WEIGHTS: [&str; 9] = [
        "liquidation_threshold",
        "collateral_factor",
        "lltv",
        "liquidate_collateral_factor",
        "mat",
        "mcr",
        "ltv",
        "initial_asset_weight",
        "asset_weight",
    ];
    let (mut next, mut changed) = (book.clone(), 0);
    for listed in &mut next.markets {
        let mut cells = Vec::new();
        listed.market.visit(&mut |cell, name, _, value| {
            let parts = listed.market.parts(cell).iter().find(|part| part.name == "liquidation_threshold");
            if let Some(part) = parts {
                let word = value.magnitude();
                let field = word.field(part.at, part.width) * 97 / 100;
                cells.push((cell, word.with_field(part.at, part.width, field).map(Int::from)));
            } else if WEIGHTS.contains(&name) {
                // A step of the last digit, or of the fourth of those that have eighteen.
                let step =
                    if value < Int::new(10_000_000) { Int::ONE } else { Int::new(100_000_000_000_000) };
                let fewer = value.sub(step.mul(Int::new(100)).expect("small")).filter(|_| name != "ltv");
                cells.push((cell, fewer));
            }
        });
        for (cell, value) in cells {
            changed += usize::from(value.is_some() && listed.market.set(cell, value).is_ok());
        }
    }
    (next, changed)
}

/// The book without its account of a place, where nothing else names accounts by their numbers.
pub(crate) fn without(book: &Book, gone: usize) -> Book {
    let named = book.markets.iter().any(|listed| ["liquity_v2", "maker"].contains(&listed.market.venue().0));
    let mut next = book.clone();
    if named {
        return next;
    }
    next.accounts.remove(gone);
    for (place, listed) in next.accounts.iter_mut().enumerate() {
        listed.account.id = plimsoll_core::AccountId(place as u64);
    }
    next
}
