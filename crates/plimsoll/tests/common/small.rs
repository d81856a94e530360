//! Random books so small that every amount can be tried.

use super::Dice;
use plimsoll_core::{
    Account, AccountId, Book, Decimal, FeedKind, Graph, Int, ListedAccount, ListedMarket, Market,
    Observation, Origin, Price, PriceUnit, RAY, Scale, Time, U256,
};
use plimsoll_venues::aave_v3::{
    Configuration, Pool, PoolSpec, RateCurve, Reserve, Revision, State, USER_CONFIG, debt, receipt,
};
use plimsoll_venues::morpho_blue::{self, Irm, Parameters};

const NOW: Time = Time(1_000_000);

fn u(value: u64) -> U256 {
    U256::from(value)
}

/// An index between one and two ray.
fn index(dice: &mut Dice) -> U256 {
    let part = U256::new(u128::from(dice.next()) * 54_210_108);
    RAY.value().add(part).expect("256 bits")
}

fn reserve(dice: &mut Dice, symbol: &str, threshold: u64) -> Reserve {
    let fields = [
        (Configuration::LTV, threshold - 500),
        (Configuration::THRESHOLD, threshold),
        (Configuration::BONUS, 10_500),
        (Configuration::PROTOCOL_FEE, *dice.pick(&[0, 1000])),
        (Configuration::DECIMALS, 2 + dice.below(2)),
        (Configuration::ACTIVE, 1),
        (Configuration::BORROWING, 1),
        (Configuration::VIRTUAL_ACCOUNTING, 1),
        (Configuration::SUPPLY_CAP, *dice.pick(&[0, 0, 15_500])),
        (Configuration::BORROW_CAP, *dice.pick(&[0, 0, 7_600])),
    ];
    let word =
        fields.iter().try_fold(Configuration::default(), |word, &(field, value)| word.with(field, value));
    let cash = u(*dice.pick(&[1_000_000, 1_000_000, 3_000]));
    Reserve {
        symbol: symbol.into(),
        configuration: word.expect("fields that fit"),
        curve: RateCurve { optimal: 8000, base: 100, slope1: 400, slope2: 6000 },
        grace_until: Time(0),
        state: State {
            liquidity_index: index(dice),
            variable_borrow_index: index(dice),
            liquidity_rate: RAY.value().div(u(20), plimsoll_core::Rounding::Down).expect("not by zero"),
            variable_borrow_rate: RAY.value().div(u(10), plimsoll_core::Rounding::Down).expect("not by zero"),
            last_update: Time(NOW.0 - dice.below(1000)),
            accrued_to_treasury: U256::ZERO,
            scaled_supply: u(1_000_000),
            scaled_debt: u(500_000),
            cash,
            virtual_balance: cash,
            deficit: U256::ZERO,
            isolation_debt: U256::ZERO,
        },
    }
}

fn observed(mantissa: u64, decimals: u8) -> Origin {
    Origin::Feed(Observation {
        kind: FeedKind::Oracle,
        price: Some(Decimal { mantissa: Int::from(mantissa), decimals }),
        scale: Scale::Decimal,
        source: "test".into(),
        observed_at: Some(NOW),
        max_age: None,
        confidence: None,
        floor: None,
        ceiling: None,
    })
}

fn book(market: Box<dyn Market>, prices: Vec<(String, Origin)>, account: Account) -> Book {
    let mut graph = Graph::default();
    let wire = |(name, origin): (String, Origin)| {
        let unit = PriceUnit::parse(&market.slots()[0].currency).expect("a unit");
        Some(graph.add(Price { name, unit, origin }).expect("a price"))
    };
    let wiring = prices.into_iter().map(wire).collect();
    let listed = ListedAccount { name: "someone".into(), owner: "someone".into(), market: 0, account };
    let markets = vec![ListedMarket { name: "market".into(), market, wiring }];
    Book { name: "small".into(), at: NOW, graph, markets, accounts: vec![listed] }
}

/// A pool of three assets and an account with two collaterals of unlike thresholds and one or two debts, at a health
/// of about `percent`.
pub(crate) fn pool(dice: &mut Dice, revision: Revision, percent: u64) -> Book {
    let thresholds = [8000 + dice.below(300), 2500 + dice.below(5400), 6000 + dice.below(2000)];
    let names = ["ONE", "TWO", "SIX"];
    let mut reserves: Vec<Reserve> =
        names.iter().zip(thresholds).map(|(name, threshold)| reserve(dice, name, threshold)).collect();
    // One in six has one collateral, of which the debt is limited (where there is such a thing).
    let isolated = revision <= Revision::V3_6 && dice.below(6) == 0;
    if isolated {
        let word = reserves[0].configuration.with(Configuration::DEBT_CEILING, 100 + dice.below(10_000));
        reserves[0].configuration = word.expect("a ceiling that fits");
        let word = reserves[2].configuration.with(Configuration::BORROWABLE_IN_ISOLATION, 1);
        reserves[2].configuration = word.expect("a flag that fits");
    }
    // From a few hundred to some ten thousand dollars in all: below and above what is liquidated whole.
    let factor = *dice.pick(&[1, 10, 30, 90]);
    let prices: Vec<u64> = names.iter().map(|_| factor * (100_000_000 + dice.below(300_000_000))).collect();
    let mut account = Account::new(AccountId(0));
    let mut word = 0_u64;
    let mut backing = 0_u128;
    let worth = |i: usize, scaled: u64| {
        let decimals = u32::from(reserves[i].configuration.decimals());
        u128::from(scaled) * 3 / 2 * u128::from(prices[i]) / 10_u128.pow(decimals)
    };
    for i in if isolated { 0..1 } else { 0..2 } {
        let scaled = 5_000 + dice.below(20_000);
        account.set(receipt(i), Int::from(scaled));
        word |= 2 << (2 * i);
        backing += worth(i, scaled) * u128::from(thresholds[i]) / 10_000;
    }
    // Debts for so much of it, shared between two assets.
    let wanted = backing * 100 / u128::from(percent);
    let debts = if isolated { 1 } else { 1 + dice.below(2) as usize };
    for (i, share) in [(2, 6), (0, 4)].into_iter().take(debts) {
        let one = worth(i, 1000).max(1);
        let scaled = u64::try_from(wanted * 1000 * share / 10 / one).expect("small");
        account.set(debt(i), Int::from(scaled.max(1)));
        word |= 1 << (2 * i);
    }
    account.set_term(USER_CONFIG, word.into());
    let spec = PoolSpec { revision, currency: "USD".into(), reserves, modes: Vec::new() };
    let prices = names.iter().zip(prices).map(|(name, price)| ((*name).to_string(), observed(price, 8)));
    book(Box::new(Pool::new(spec).expect("a pool")), prices.collect(), account)
}

/// One market of a loan and a collateral, at a health of about `percent`.
pub(crate) fn isolated(dice: &mut Dice, percent: u64) -> Book {
    let lltv = U256::new(u128::from(500 + dice.below(450)) * 1_000_000_000_000_000);
    let parameters = Parameters { loan_decimals: 2, collateral_decimals: 2, lltv, irm: Irm::Zero };
    let borrowed = 3_000 + dice.below(5_000);
    let shares = u128::from(borrowed) * (1_000_000 - u128::from(dice.below(300_000)));
    let state = morpho_blue::State {
        supply: morpho_blue::Pool { assets: u(10_000), shares: U256::new(10_000_000_000) },
        borrow: morpho_blue::Pool { assets: u(borrowed), shares: U256::new(shares) },
        last_update: NOW.0 - dice.below(1000),
        ..morpho_blue::State::default()
    };
    let market = morpho_blue::Market::new(["LOAN", "COLL"], parameters, state).expect("a market");
    let collateral = 100 + dice.below(2_000);
    let price = 50 + dice.below(300);
    let lltv = lltv.to_u128().expect("small") / 1_000_000_000_000_000;
    let carried = u128::from(collateral * price) / 100 * lltv / 1000 * 100 / u128::from(percent);
    let owed = carried.min(u128::from(borrowed)).max(1);
    let account = Account::new(AccountId(0))
        .with(morpho_blue::COLLATERAL, Int::from(collateral))
        .with(morpho_blue::BORROW, Int::from(U256::new(owed * shares / u128::from(borrowed))));
    book(Box::new(market), vec![("COLL".into(), observed(price, 2))], account)
}
