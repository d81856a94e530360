//! Doubtful prices: what is unknown is told, and never as safe.

#![allow(clippy::expect_used)] // a book that cannot be built has failed the test

use plimsoll::{Ladder, Severity, Tier, check};
use plimsoll_core::{
    Book, Certainty, Decimal, FeedKind, Graph, ListedAccount, ListedMarket, Observation, Origin, Price,
    PriceUnit, Scale, Time, Verdict,
};
use plimsoll_venues::aave_v3::{
    Configuration, Pool, PoolSpec, RateCurve, Reserve, Revision, State, USER_CONFIG, debt, receipt,
};

const NOW: Time = Time(1_000_000);

/// One whole token of an asset with 18 decimals.
fn tokens(whole: i128) -> plimsoll_core::Int {
    plimsoll_core::Int::new(whole * 1_000_000_000_000_000_000)
}

fn reserve(symbol: &str) -> Reserve {
    let one = plimsoll_core::RAY.value();
    let zero = plimsoll_core::U256::ZERO;
    let fields = [
        (Configuration::LTV, 7500),
        (Configuration::THRESHOLD, 8000),
        (Configuration::BONUS, 10_500),
        (Configuration::DECIMALS, 18),
        (Configuration::ACTIVE, 1),
        (Configuration::BORROWING, 1),
    ];
    let configuration = fields
        .iter()
        .try_fold(Configuration::default(), |word, &(field, value)| word.with(field, value))
        .expect("fields that fit");
    Reserve {
        symbol: symbol.into(),
        configuration,
        curve: RateCurve { optimal: 8000, base: 0, slope1: 400, slope2: 6000 },
        grace_until: Time(0),
        state: State {
            liquidity_index: one,
            variable_borrow_index: one,
            liquidity_rate: zero,
            variable_borrow_rate: zero,
            last_update: NOW,
            accrued_to_treasury: zero,
            scaled_supply: zero,
            scaled_debt: zero,
            cash: zero,
            virtual_balance: zero,
            deficit: zero,
            isolation_debt: zero,
        },
    }
}

fn observation(price: Option<&str>) -> Observation {
    Observation {
        kind: FeedKind::Oracle,
        price: price.map(|price| price.parse::<Decimal>().expect("a decimal")),
        scale: Scale::Decimal,
        source: "test".into(),
        observed_at: Some(NOW),
        max_age: Some(3600),
        confidence: None,
        floor: None,
        ceiling: None,
    }
}

/// Collateral COL and DEBT-asset OWE, and ZED that nobody but `holder` holds; prices as given.
fn book(col: Observation, owe: Observation, xxx: Observation, accounts: &[&[(u32, i128)]]) -> Book {
    let spec = PoolSpec {
        revision: Revision::V3_5,
        currency: "USD".into(),
        reserves: ["COL", "OWE", "ZED"].map(reserve).into(),
        modes: Vec::new(),
    };
    let mut graph = Graph::default();
    let mut wiring = Vec::new();
    for (name, observation) in [("COL", col), ("OWE", owe), ("ZED", xxx)] {
        let unit = PriceUnit::parse("USD").expect("a unit");
        let price = Price { name: name.into(), unit, origin: Origin::Feed(observation) };
        wiring.push(Some(graph.add(price).expect("a price")));
    }
    let market = Box::new(Pool::new(spec).expect("a pool"));
    let accounts = (0..).zip(accounts).map(|(id, holdings)| {
        let mut account = plimsoll_core::Account::new(plimsoll_core::AccountId(id));
        let mut word = 0u64;
        for &(instrument, whole) in *holdings {
            account.set(plimsoll_core::InstrumentId(instrument), tokens(whole));
            // Receipts are used as collateral, debts are owed.
            word |= 1 << (2 * (instrument / 3) + u32::from(instrument % 3 == 1));
        }
        account.set_term(USER_CONFIG, word.into());
        ListedAccount { name: format!("account {id}"), owner: String::new(), market: 0, account }
    });
    let accounts = accounts.collect();
    let markets = vec![ListedMarket { name: "pool".into(), market, wiring }];
    Book { name: "test".into(), at: NOW, graph, markets, accounts }
}

const COL: u32 = receipt(0).0;
const OWE: u32 = debt(1).0;
const ZED: u32 = receipt(2).0;

fn tiers(book: &Book) -> (Vec<Tier>, Severity) {
    let answer = check(book, NOW, &Ladder::default()).expect("a market that stands");
    let mut rows: Vec<_> = answer.rows.iter().map(|row| (row.account, row.tier)).collect();
    rows.sort_unstable_by_key(|(account, _)| *account);
    (rows.into_iter().map(|(_, tier)| tier).collect(), answer.severity())
}

/// A13
#[test]
fn unknown_is_never_shown_as_safe() {
    let good = || observation(Some("100"));
    let one = || observation(Some("1"));
    let doubtful = [
        ("missing", observation(None)),
        ("zero", observation(Some("0"))),
        ("negative", observation(Some("-1"))),
        ("stale", Observation { observed_at: Some(Time(NOW.0 - 3601)), ..good() }),
        ("from the future", Observation { observed_at: Some(Time(NOW.0 + 1)), ..good() }),
        ("at its floor", Observation { floor: "100".parse().ok(), ..good() }),
        ("at its ceiling", Observation { ceiling: "100".parse().ok(), ..good() }),
        ("uncertain", Observation { confidence: "90".parse().ok(), ..good() }),
    ];
    // Healthy at 100, unhealthy at 10: whatever is wrong with the price of the collateral, it decides.
    let accounts: &[&[(u32, i128)]] = &[&[(COL, 10), (OWE, 500)]];
    for (what, price) in doubtful {
        let doubted = what != "at its ceiling"; // the truth lies above: healthy all the same
        let (tiers, severity) = tiers(&book(price, one(), one(), accounts));
        if doubted {
            assert_eq!(tiers, [Tier::Unknown], "a price that is {what}");
            assert_ne!(severity, Severity::Calm, "a price that is {what}");
        } else {
            assert_eq!(tiers, [Tier::Moderate], "a price that is {what}");
        }
    }
    let (tiers, severity) = tiers(&book(good(), one(), one(), accounts));
    assert_eq!((tiers, severity), (vec![Tier::Moderate], Severity::Calm));
}

/// Several faults at once are never better than one of them.
#[test]
fn faults_of_one_price_add_up() {
    let one = || observation(Some("1"));
    let old = Some(Time(NOW.0 - 3601));
    let accounts: &[&[(u32, i128)]] = &[&[(COL, 10), (OWE, 500)]];
    for collateral in [
        Observation { observed_at: old, ceiling: "100".parse().ok(), ..observation(Some("100")) },
        Observation { observed_at: old, floor: "70".parse().ok(), ..observation(Some("100")) },
        Observation { floor: "70".parse().ok(), ..observation(None) },
        Observation {
            ceiling: "100".parse().ok(),
            confidence: "90".parse().ok(),
            ..observation(Some("100"))
        },
        Observation { observed_at: None, ..observation(Some("100")) },
    ] {
        let (tiers, _) = tiers(&book(collateral.clone(), one(), one(), accounts));
        assert_eq!(tiers, [Tier::Unknown], "{collateral:?}");
    }
    // The same of a debt's price, whose truth may lie above what the feed can say.
    let owed = Observation { observed_at: old, ceiling: "1.01".parse().ok(), ..one() };
    let (tiers, _) = tiers(&book(observation(Some("100")), owed, one(), accounts));
    assert_eq!(tiers, [Tier::Unknown]);
}

/// A price of zero has no value, so it is unknown, beside another doubt too.
#[test]
fn a_debt_without_value_is_no_safe_debt() {
    let accounts: &[&[(u32, i128)]] = &[&[(COL, 10), (OWE, 500)]];
    let unsure = || Observation { confidence: "1".parse().ok(), ..observation(Some("100")) };
    let mut book = book(unsure(), observation(Some("1")), observation(Some("1")), accounts);
    let zero = Origin::Constant("0".parse().expect("a decimal"));
    let unit = PriceUnit::parse("USD").expect("a unit");
    let zero = book.graph.add(Price { name: "zero".into(), unit, origin: zero }).expect("a price");
    book.markets[0].wiring[1] = Some(zero);
    assert_eq!(tiers(&book).0, [Tier::Unknown]);
}

/// The same for what is owed: nothing bounds a missing price from above.
#[test]
fn a_debt_without_price_is_unknown() {
    let accounts: &[&[(u32, i128)]] = &[&[(COL, 10), (OWE, 500)], &[(COL, 10)]];
    let (tiers, _) = tiers(&book(observation(Some("100")), observation(None), observation(None), accounts));
    assert_eq!(tiers, [Tier::Unknown, Tier::NoDebt]);
}

/// 2^230 of COL: no word of the contract holds their value, so it has no answer, whether or not a price is in doubt.
#[test]
fn an_account_that_the_venue_cannot_compute_is_unknown() {
    let one = || observation(Some("1"));
    let unsure = Observation { confidence: "0.01".parse().ok(), ..one() };
    for owed in [one(), unsure, observation(None)] {
        let mut book = book(observation(Some("100")), owed, one(), &[&[(COL, 10), (OWE, 500)]]);
        let endless = plimsoll_core::U256::ZERO.with_bit(230, true);
        book.accounts[0].account.set(receipt(0), endless.into());
        assert_eq!(tiers(&book), (vec![Tier::Unknown], Severity::Unknown));
    }
}

/// A dead price of something that an account does not hold, or can do without, blocks nothing.
#[test]
fn a_dead_price_blocks_only_whom_it_concerns() {
    let (col, owe) = (observation(Some("100")), observation(Some("1")));
    // 10 COL carry 800: without ZED the first is healthy, the second is not and its ZED decides, the third owes
    // nothing.
    let accounts: &[&[(u32, i128)]] = &[
        &[(COL, 10), (OWE, 500)],
        &[(COL, 10), (OWE, 500), (ZED, 1)],
        &[(COL, 10), (OWE, 900), (ZED, 1)],
        &[(ZED, 5)],
    ];
    let answer = book(col, owe, observation(None), accounts);
    let (tiers, _) = tiers(&answer);
    assert_eq!(tiers, [Tier::Moderate, Tier::Moderate, Tier::Unknown, Tier::NoDebt]);
}

/// Unhealthy by the venue's own test at a price that we doubt: told as unknown, and still an alarm.
#[test]
fn the_venues_own_verdict_stands_beside_the_doubt() {
    let stale = Observation { observed_at: Some(Time(0)), ..observation(Some("10")) };
    let one = || observation(Some("1"));
    let book = book(stale, one(), one(), &[&[(COL, 10), (OWE, 500)]]);
    let answer = check(&book, NOW, &Ladder::default()).expect("a market that stands");
    let row = &answer.rows[0];
    assert_eq!(row.tier, Tier::Unknown);
    assert!(matches!(row.liquidation.certainty, Certainty::Undetermined(_)));
    assert_eq!(row.liquidation.own.expect("an answer").verdict, Verdict::Unhealthy);
    assert_eq!(answer.severity(), Severity::Unhealthy);
}

/// Dust at a price that nobody trusts takes nothing from what is certain: at worst it is worth nothing.
#[test]
fn dust_of_a_doubtful_asset_leaves_the_tier() {
    let stale = Observation { observed_at: Some(Time(0)), ..observation(Some("5")) };
    let one = || observation(Some("1"));
    // 1000 at 80 % against 32: a health of 25.
    let mut book = book(observation(Some("100")), one(), stale, &[&[(COL, 10), (OWE, 32), (ZED, 1)]]);
    for raw in [1, 2, 1_000, 1_000_000_000_000_000_000] {
        book.accounts[0].account.set(plimsoll_core::InstrumentId(ZED), plimsoll_core::Int::new(raw));
        let answer = check(&book, NOW, &Ladder::default()).expect("a market that stands");
        let Certainty::Safe { at_least, .. } = answer.rows[0].liquidation.certainty else {
            panic!("{raw}: {:?}", answer.rows[0].liquidation)
        };
        assert!((2_499..=2_500).contains(&at_least), "{raw}: {at_least}");
        assert_eq!(answer.rows[0].tier, Tier::Safe);
    }
}

/// Whatever a doubtful price is, an account that is lost without it is lost: a short interval decides.
#[test]
fn an_interval_that_decides_is_no_doubt() {
    let one = || observation(Some("1"));
    let near = |price: &str| Observation { confidence: "1".parse().ok(), ..observation(Some(price)) };
    let accounts: &[&[(u32, i128)]] = &[&[(COL, 10), (OWE, 500)]];
    // The line is at 62.5; within the slack of it nothing is proven.
    for (price, tier) in
        [("64", Tier::Critical), ("63.51", Tier::Critical), ("63", Tier::Unknown), ("61", Tier::Liquidatable)]
    {
        let (tiers, _) = tiers(&book(near(price), one(), one(), accounts));
        assert_eq!(tiers, [tier], "{price}");
    }
}
