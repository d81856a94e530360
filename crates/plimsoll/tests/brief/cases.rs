//! Accounts and markets that come and go, other revisions and feeds, what is not told, owners, and lists that are cut.

use crate::common::{Plain, example, place, plain, rewritten};
use crate::laws::*;
use plimsoll::{
    AccountChange, Change, Compared, Ladder, Misasked, NewPrice, Standstill, SumChange, Tier, Untold, brief,
    whatif_all,
};
use plimsoll_core::{Book, Int, Nature, Observation, Origin, PriceId, Refusal, Rounding, Time, U256};
use std::collections::BTreeMap;

#[test]
fn who_came_and_who_is_gone_is_told() {
    let book = example("treasury");
    let gone = place(&book, "alice");
    let (fewer, more) = (without(&book, gone), book.clone());
    let left = lawful(&book, &fewer, "gone");
    let alice = of(&left, "alice");
    assert_eq!(alice.tiers, [Some(Tier::High), None]);
    assert_eq!(left.transitions[&[Some(Tier::High), None]], 1);
    let own = alice.change.parts[0].expect("all of it");
    assert_eq!(Some(NOTHING), alice.change.after);
    assert_eq!(numbers(&own), numbers(&alice.change.before.expect("its worth")).map(Int::neg));
    let came = lawful(&fewer, &more, "came");
    let alice = of(&came, "alice");
    assert_eq!(alice.tiers, [None, Some(Tier::High)]);
    assert_eq!(alice.change.parts[0], alice.change.after);
    assert_eq!(came.found[0], 1);
}

#[test]
fn a_market_of_one_book_alone_is_not_split() {
    let book = example("treasury");
    let mut fewer = book.clone();
    let market = fewer.markets.iter().position(|one| one.name == "morpho-wsteth-usdc").expect("the market");
    assert_eq!(market + 1, fewer.markets.len());
    fewer.markets.pop();
    fewer.accounts.retain(|listed| listed.market != market);
    for (place, listed) in fewer.accounts.iter_mut().enumerate() {
        listed.account.id = plimsoll_core::AccountId(place as u64);
    }
    for (older, newer) in [(&book, &fewer), (&fewer, &book)] {
        let found = lawful(older, newer, "a market comes or goes");
        let one = of(&found, "acme-usdc");
        assert_eq!(one.change.untold, Some(Untold::OneBook));
        assert_eq!(one.change.parts, [None; 4]);
        assert!(one.change.unsplit.is_some_and(|unsplit| unsplit != NOTHING));
        let [before, after] = [older, newer].map(|book| book.markets.len() > market);
        let told = found.markets.iter().find(|one| one.name == "morpho-wsteth-usdc").expect("the market");
        assert_eq!([told.before.is_some(), told.after.is_some()], [before, after]);
        assert!(!told.replaced);
    }
}

/// Another release of the same pool counts by other rules: what that changes is told as parameters.
#[test]
fn another_revision_is_another_rule() {
    let ray = "1000000000000000000000000000";
    // An index that does not divide: the releases round debts otherwise.
    let index = "1000000000000000000000000037";
    let reserve = |threshold, borrow_index| Plain {
        decimals: 6,
        price: 432_100_000_001,
        threshold,
        bonus: 10_500,
        borrow_index,
        rest: "",
    };
    let of = |revision| {
        let rows = [("supply", 0, 700_000_000_001), ("debt", 1, 300_000_000_001)];
        plain(revision, &[reserve(8123, ray), reserve(7000, index)], &rows)
    };
    let (older, newer) = (of("3.4"), of("3.5"));
    let found = lawful(&older, &newer, "two releases");
    let [_, Some(after)] = [&found.markets[0].before, &found.markets[0].after] else { panic!("the market") };
    assert_eq!(after.revision, "3.5");
    let one = everybody(&found)[0];
    assert_eq!([one.change.parts[0], one.change.parts[1], one.change.parts[3]], [Some(NOTHING); 3]);
    assert_ne!(one.change.parts[2], Some(NOTHING));
    assert_eq!(one.change.parts[2], one.change.change());
}

#[test]
fn the_older_book_comes_first() {
    let book = example("treasury");
    let later = done(&book, &[Change::After(1)]);
    let asked = Compared { ladder: Ladder::default(), owner: None, top: 1 };
    let refused = brief(&later, &book, &asked).expect_err("the wrong order");
    assert_eq!(refused, Misasked::Order { older: Time(book.at.0 + 1), newer: book.at });
}

/// Feeds that stand still while others move, those that nobody observes, and those that are read anew.
#[test]
fn feeds_that_do_not_move_are_told() {
    let book = example("treasury");
    let later = done(&book, &[Change::After(3600)]);
    let price = Change::Price { name: "ETH/USD".into(), to: NewPrice::Percent(decimal("-1")) };
    let mut newer = done(&later, &[price]);
    let usdc = newer.graph.find("USDC/USD").expect("a feed");
    let Some(Origin::Feed(again)) = newer.graph.price(usdc).map(|it| it.origin.clone()) else {
        panic!("a feed")
    };
    newer.graph.observe(usdc, Observation { observed_at: Some(newer.at), ..again }).expect("a feed");
    let found = compare(&book, &newer);
    let standstill = |name: &str| {
        found.feeds.iter().find(|feed| feed.name == name).unwrap_or_else(|| panic!("{name}")).standstill
    };
    assert_eq!(standstill("ETH/USD"), None);
    assert_eq!(standstill("USDC/USD"), Some(Standstill::SameAgain));
    assert_eq!(standstill("wstETH/stETH rate"), Some(Standstill::Unobserved));
    // Nothing moved but the clock: nobody is blamed.
    assert!(compare(&book, &later).feeds.iter().all(|feed| feed.standstill.is_none()));
}

/// A market that reads another feed reads it under another rule; the rest of the change is the feed's.
#[test]
fn another_feed_is_another_rule() {
    let book = example("treasury");
    let mut newer = moved(&book, "-2");
    let (market, slot) = (0, 0);
    let asset = newer.markets[market].market.slots()[slot].asset.clone();
    let was = newer.markets[market].wiring[slot].expect("wired");
    let other =
        newer.markets[market].wiring.iter().flatten().find(|id| **id != was).copied().expect("another feed");
    newer.markets[market].wiring[slot] = Some(other);
    let found = lawful(&book, &newer, "rewired");
    let [rewired] = &found.markets[market].rewired[..] else { panic!("{:?}", found.markets[market].rewired) };
    let name = |id: PriceId| newer.graph.price(id).map(|price| price.name.clone());
    assert_eq!((&rewired.asset, &rewired.from, &rewired.to), (&asset, &name(was), &name(other)));
    let parts = found.markets[market].sum.parts;
    assert_eq!([parts[0], parts[1]], [NOTHING; 2]);
    assert!(parts[2] != NOTHING && parts[3] != NOTHING);
}

/// Where a world between has no price, the parts beside it are not told, and the whole change still is.
#[test]
fn what_cannot_be_valued_is_not_split() {
    let book = example("treasury");
    let mut older = book.clone();
    let rate = older.graph.find("wstETH/stETH rate").expect("a feed");
    let Some(Origin::Feed(feed)) = older.graph.price(rate).map(|it| it.origin.clone()) else {
        panic!("a feed")
    };
    older.graph.observe(rate, Observation { price: None, ..feed }).expect("a feed");
    let found = lawful(&older, &book, "no older price");
    let one = of(&found, "acme-loop");
    assert_eq!((one.change.before, one.change.parts), (None, [None; 4]));
    assert!(matches!(one.change.untold, Some(Untold::Refused(_))));
    assert_eq!((one.change.unsplit, one.change.change()), (None, None));
    assert_eq!(one.tiers[0], Some(Tier::Unknown));
    // Its market is as it was: of all that is compared nothing changed, and what it comes to stands apart.
    let sum = &found.markets[one.market].sum;
    let of_market = everybody(&found).into_iter().filter(|other| other.market == one.market);
    let apart = of_market.filter(|other| other.change.before.is_none()).collect::<Vec<_>>();
    assert_eq!(sum.uncompared_accounts, apart.len() as u64);
    let after = apart.iter().map(|other| numbers(&other.change.after.expect("it has a price now")));
    assert_eq!(numbers(&sum.uncompared[1]), after.fold(numbers(&NOTHING), plus));
    assert_eq!(sum.uncompared[0], NOTHING);
    assert_eq!((sum.change(), sum.unsplit), (Some(NOTHING), NOTHING));
    assert_eq!(sum.accounts[0] + sum.unvalued[0], sum.accounts[1] + sum.unvalued[1]);
    // Who has nothing to do with it is split all the same.
    assert!(of(&found, "alice").change.is_whole());
}

/// One owner's accounts: each with its own health, sums of currencies, and nothing of anybody else.
#[test]
fn an_owners_accounts_stand_side_by_side() {
    let book = example("treasury");
    let newer = moved(&done(&book, &[Change::After(DAY)]), "-4");
    let asked = Compared { ladder: Ladder::default(), owner: Some("Acme treasury"), top: usize::MAX };
    let found = brief(&book, &newer, &asked).expect("an answer");
    let names: Vec<&str> = found.worst.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["acme-loop", "acme-usdc"]);
    let [owner] = &found.owners[..] else { panic!("{} owners", found.owners.len()) };
    assert_eq!(
        (owner.owner.as_str(), owner.accounts, owner.worst.name.as_str()),
        ("Acme treasury", [2, 2], "acme-loop")
    );
    assert_eq!(owner.sums, found.sums);
    assert_eq!(found.sums.len(), 2, "two currencies");
    let whole = compare(&book, &newer);
    assert_eq!(found.severity, whole.severity);
    for one in &found.worst {
        assert_eq!(one.change, of(&whole, &one.name).change);
    }
}

/// The list is cut, and the rest is what the whole lacks without it.
#[test]
fn the_rest_is_the_whole_without_the_worst() {
    let book = example("lending");
    let newer = moved(&done(&book, &[Change::After(DAY)]), "-11");
    let asked = Compared { ladder: Ladder::default(), owner: None, top: 7 };
    let (cut, whole) = (brief(&book, &newer, &asked).expect("an answer"), compare(&book, &newer));
    assert_eq!((cut.worst.len(), cut.moved.len()), (7, 7));
    assert_eq!(cut.found, [whole.moved.len() as u64, whole.coming.len() as u64]);
    assert_eq!((&cut.sums, &cut.tiers, &cut.transitions), (&whole.sums, &whole.tiers, &whole.transitions));
    let names =
        |list: &[AccountChange]| list.iter().map(|one| (one.market, one.name.clone())).collect::<Vec<_>>();
    assert_eq!(names(&cut.worst), names(&whole.worst)[..7]);
    let count = |sums: &[SumChange]| sums.iter().map(|sum| sum.accounts[1] + sum.unvalued[1]).sum::<u64>();
    assert_eq!(count(&cut.rest) + 7, count(&cut.sums));
    assert_eq!(count(&whole.rest), 0);
}

/// Every number of every market of the examples says what it is, and those that decide who is liquidated are rules.
#[test]
fn rules_are_rules_and_totals_are_state() {
    let mut seen: BTreeMap<&str, BTreeMap<String, Nature>> = BTreeMap::new();
    for name in BOOKS {
        for listed in &example(name).markets {
            let of = seen.entry(listed.market.venue().0).or_default();
            listed.market.visit(&mut |cell, name, _, _| {
                let nature = listed.market.nature(cell);
                let known = of.insert(format!("{name} {}", cell.object.min(1)), nature);
                assert!(known.is_none_or(|known| known == nature), "{name}");
            });
        }
    }
    let nature = |venue: &str, name: &str| {
        let mut of = seen[venue].iter().filter(|(known, _)| known.split(' ').next() == Some(name));
        *of.next().unwrap_or_else(|| panic!("{venue}: {name}")).1
    };
    let expected: [(&str, Nature, &[&str]); 13] = [
        (
            "aave_v3",
            Nature::Rule,
            &["configuration", "slope2", "grace_until", "liquidation_threshold", "own_price"],
        ),
        ("aave_v3", Nature::State, &["liquidity_index", "variable_borrow_rate", "last_update", "deficit"]),
        ("morpho_blue", Nature::Rule, &["lltv", "irm", "fee"]),
        ("morpho_blue", Nature::State, &["total_borrow_assets", "rate_at_target", "last_update"]),
        (
            "compound_v3",
            Nature::Rule,
            &["pause_flags", "borrow_kink", "supply_cap", "liquidate_collateral_factor"],
        ),
        ("compound_v3", Nature::State, &["base_borrow_index", "total_supply", "reserves", "base_balance"]),
        ("maker", Nature::Rule, &["mat", "duty", "line", "hop", "beg"]),
        ("maker", Nature::State, &["rate", "rho", "total_art", "dirt", "chost"]),
        ("maker", Nature::Price, &["spot", "current_price", "next_price", "next_valid", "poked"]),
        ("liquity_v2", Nature::Rule, &["ccr", "mcr", "scr", "penalty_redistribution"]),
        ("liquity_v2", Nature::State, &["recorded_debt", "redistributed_debt", "shutdown_time", "deposits"]),
        ("liquity_v2", Nature::State, &["base_rate", "supply", "router"]),
        ("liquity_v2", Nature::State, &["min_rate", "shares", "fee"]),
    ];
    for (venue, is, names) in expected {
        for name in names {
            assert_eq!(nature(venue, name), is, "{venue}: {name}");
        }
    }
}

/// The book of an example whose positions stand in the opposite order, so that every account has another number.
fn reversed(name: &str) -> Book {
    rewritten(name, |file, text| {
        if file != "positions.csv" {
            return text.into();
        }
        let (head, rows) = text.split_once('\n').expect("a header");
        let rows: Vec<&str> = rows.lines().rev().collect();
        format!("{head}\n{}\n", rows.join("\n"))
    })
}

/// Accounts are who they are by their names: terms and cells that mean accounts by their numbers do not confuse anybody.
#[test]
fn nobody_is_taken_for_another() {
    for name in BOOKS {
        let (book, turned) = (example(name), reversed(name));
        let last = book.accounts.len() - 1;
        assert_ne!(book.accounts[last].name, turned.accounts[last].name, "{name}");
        for (older, newer) in [(&book, &turned), (&turned, &book)] {
            let found = lawful(older, newer, name);
            assert_eq!(found.moved.len(), 0, "{name}");
            for one in everybody(&found) {
                // What has no price is not valued, in whichever order.
                let valued = one.change.before.is_some();
                assert_eq!(valued, one.change.after.is_some(), "{name}: {}", one.name);
                if valued {
                    assert_eq!(one.change.parts, [Some(NOTHING); 4], "{name}: {}", one.name);
                }
            }
            assert!(found.markets.iter().all(|market| market.rules.is_empty()), "{name}");
        }
    }
}

/// Two troves change places between the batches of two managers, Anna's and Bert's: what they did is told the same in whichever
/// order the accounts of the newer book stand, also in the one in which each manager has the number that the other had.
#[test]
fn another_manager_of_the_same_number_is_another_manager() {
    let of_anna = "
[[branches.batches]]
manager = \"anna\"
debt = \"15011203476136749502027\"
collateral = \"12500000000000000000\"
shares = \"15011203476136749502027\"
rate = \"50000000000000000\"
fee = \"0\"
last_debt_update = \"1760000000\"
last_change = \"1760000000\"
min_rate = \"10000000000000000\"
max_rate = \"100000000000000000\"
change_period = \"7200\"
";
    let with_two = |file: &str, text: &str| match file {
        "markets/bold.toml" => {
            let (first, rest) = text.split_once("change_period = \"7200\"\n").expect("a batch");
            format!("{first}change_period = \"7200\"\n{of_anna}{rest}")
        }
        "positions.csv" => {
            let row = |row: &str| match row.strip_prefix("bert-weth") {
                Some(_) => row
                    .replace("BOLD,", "BOLD batch shares,")
                    .replace("749502027,raw", "749502027,shares")
                    .replace("rate=50000000000000000", "batch=anna")
                    .replace("last_update=1760000000; ", ""),
                None => row.to_string(),
            };
            text.lines().map(row).collect::<Vec<_>>().join("\n") + "\n"
        }
        _ => text.into(),
    };
    let swapped = |text: String| {
        let swap = |text: String, key: &str, end: &str| {
            let [anna, bert] = ["anna", "bert"].map(|name| format!("{key}{name}{end}"));
            text.replace(&anna, "\0").replace(&bert, &anna).replace('\0', &bert)
        };
        let text = swap(text, "manager = \"", "\"");
        ["batch=", "owner="].into_iter().fold(text, |text, key| swap(text, key, ";"))
    };
    let older = rewritten("liquity", with_two);
    let newer = rewritten("liquity", |file, text| swapped(with_two(file, text)));
    let turned = rewritten("liquity", |file, text| {
        let text = swapped(with_two(file, text));
        let mut rows: Vec<&str> = text.lines().collect();
        if file == "positions.csv" {
            rows.swap(1, 2);
        }
        rows.join("\n") + "\n"
    });
    let carl = place(&older, "carl-weth");
    let terms = |book: &Book| book.accounts[carl].account.terms().to_vec();
    assert_eq!(terms(&older), terms(&turned), "Anna has the number that Bert had");
    assert_ne!(terms(&older), terms(&newer));
    let [one, other] = [&newer, &turned].map(|newer| lawful(&older, newer, "two managers"));
    for name in ["carl-weth", "bert-weth"] {
        assert_eq!(of(&one, name).change, of(&other, name).change, "{name}");
        assert_ne!(of(&other, name).change.parts[0], Some(NOTHING), "{name}");
    }
}

/// Maker's spot is a price over the ratio that governance sets. Where it is poked again under another ratio, what that changes
/// is the ratio's doing and not the price's: Ada's 100 ether at 3,000 carry 300,000 over the ratio.
#[test]
fn a_spot_poked_under_another_ratio_is_no_other_price() {
    let book = example("crash");
    let number = |name: &str, value: Int| Change::Set { number: format!("maker-eth-a/{name}"), value };
    let ray = |parts: u64, whole: u64| {
        let ray = U256::pow10(27).expect("a ray");
        Int::from(
            U256::from(parts)
                .mul(ray)
                .expect("small")
                .div(U256::from(whole), Rounding::Down)
                .expect("not zero"),
        )
    };
    for (ratio, percent) in [("lower", 140), ("higher", 155)] {
        let mat = number("mat", ray(percent, 100));
        let spot = ray(300_000, percent);
        for poked in [true, false] {
            let changes = if poked { vec![mat.clone(), number("spot", spot)] } else { vec![mat.clone()] };
            let newer = whatif_all(&book, &changes, &Ladder::default()).expect("an answer").book;
            let found = lawful(&book, &newer, ratio);
            let ada = found
                .worst
                .iter()
                .find(|one| one.name == "ada" && found.markets[one.market].name == "maker-eth-a");
            let parts = ada.expect("Ada's vault").change.parts.map(|part| part.expect("a part").headroom);
            let was = ray(300_000, 145);
            // A lower ratio lifts nobody before a poke.
            let now = if poked || percent > 145 { spot } else { was };
            let wad = Int::from(U256::pow10(18).expect("a wad"));
            let carried = |spot: Int| spot.mul(Int::new(100)).and_then(|it| it.mul(wad)).expect("small");
            let expected = carried(now).sub(carried(was)).expect("small");
            assert_eq!(parts, [Int::ZERO, Int::ZERO, expected, Int::ZERO], "{ratio}, poked: {poked}");
        }
    }
}

/// The delayed oracle takes 2,800 and somebody pokes: that is a price, though no feed moved. With another ratio at the same time
/// each has its own part.
#[test]
fn a_price_that_the_venue_keeps_is_a_price() {
    let book = example("crash");
    let power = |digits: u8| Int::from(U256::pow10(digits).expect("few digits"));
    let over = |price: i128, percent: i128| {
        let ray = Int::new(price * 100).mul(power(27)).expect("small");
        ray.div(Int::new(percent), Rounding::Down).expect("not zero")
    };
    let number = |name: &str, value: Int| Change::Set { number: format!("maker-eth-a/{name}"), value };
    for percent in [145, 140] {
        let wad = power(18).mul(Int::new(2800)).expect("small");
        let mat = power(25).mul(Int::new(percent)).expect("small");
        let changes = [
            number("mat", mat),
            number("current_price", wad),
            number("next_price", wad),
            number("spot", over(2800, percent)),
        ];
        let newer = whatif_all(&book, &changes, &Ladder::default()).expect("an answer").book;
        let found = lawful(&book, &newer, "kept");
        let ada = found
            .worst
            .iter()
            .find(|one| one.name == "ada" && found.markets[one.market].name == "maker-eth-a");
        let parts = ada.expect("Ada's vault").change.parts.map(|part| part.expect("a part").headroom);
        let change = |to: Int, from: Int| {
            to.sub(from).and_then(|it| it.mul(Int::new(100))).and_then(|it| it.mul(power(18))).expect("small")
        };
        let [rule, price] =
            [change(over(3000, percent), over(3000, 145)), change(over(2800, percent), over(3000, percent))];
        assert_eq!(parts, [Int::ZERO, Int::ZERO, rule, price], "{percent} %");
        let kept = |info: &Option<plimsoll::MarketInfo>| info.as_ref().expect("a market").kept.clone();
        let market = &found.markets[ada.expect("Ada's vault").market];
        assert_ne!(kept(&market.before), kept(&market.after));
    }
}

/// A pool that lists its reserves in another order reads an account's flags otherwise: nothing is guessed.
#[test]
fn another_order_of_assets_is_not_split() {
    let newer = example("treasury");
    let older = rewritten("treasury", |file, text| {
        if file != "markets/aave-core.toml" {
            return text.into();
        }
        let (reserves, modes) = text.split_once("[[emodes]]").expect("an e-mode");
        let mut parts: Vec<&str> = reserves.split("[[reserves]]").collect();
        let head = parts.remove(0);
        parts.reverse();
        format!("{head}[[reserves]]{}[[emodes]]{modes}", parts.join("[[reserves]]"))
    });
    let found = lawful(&older, &newer, "another order");
    for name in ["alice", "bob", "acme-loop"] {
        let change = of(&found, name).change;
        assert_eq!(change.untold, Some(Untold::Layout), "{name}");
        assert_eq!(change.parts, [None, None, None, Some(NOTHING)], "{name}");
        assert_eq!(change.unsplit, Some(NOTHING), "{name}: it is the same account");
    }
    assert!(of(&found, "acme-usdc").change.is_whole());
}

/// UNI has no price. Whoever holds some and does not need it has a verdict, and collateral that nobody can tell.
#[test]
fn what_has_no_price_is_in_no_sum() {
    let book = example("compound_v3");
    let found = lawful(&book, &book, "no price of UNI");
    let one = of(&found, "uni-not-needed");
    assert_ne!(one.tiers[1], Some(Tier::Unknown));
    assert_eq!((one.change.before, one.change.after), (None, None));
    assert!(matches!(one.change.untold, Some(Untold::Refused(Refusal::PriceUnknown { .. }))));
    let market = &found.markets[one.market].sum;
    assert!(market.unvalued[1] > 0 && market.unvalued[0] == market.unvalued[1]);
}
