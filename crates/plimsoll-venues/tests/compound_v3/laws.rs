//! The laws of the form, boxes, the trigger price, the trace, and the canonical bytes.

use crate::world::*;
use num_bigint::BigInt;
use num_rational::BigRational;
use plimsoll_core::num::Wide;
use plimsoll_core::{
    Account, AccountId, Cell, Compiled, Feeds, Form, Int, Lens, Market as _, Nodes, Question, Quoted,
    Reading, Refusal, Screen, Step, Subject, Test, Time, Trace, U256, Unit, Venue as _, Verdict, Why, screen,
};
use plimsoll_venues::compound_v3::{
    Asset, AssetRules, AssetTotals, CompoundV3, DEBT, Market, Rules, SUPPLY, State, collateral,
};
use proptest::prelude::*;

/// Any number of up to so many bits, small ones as likely as large ones.
pub(crate) fn bits(most: usize) -> impl Strategy<Value = U256> {
    (0..=most, any::<[u8; 32]>()).prop_map(move |(bits, bytes)| {
        let all = U256::from_le_bytes(bytes);
        let kept = (0..bits).fold(U256::ZERO, |kept, bit| kept.with_bit(bit, all.bit(bit)));
        if bits == 0 { kept } else { kept.with_bit(bits - 1, true) }
    })
}

/// Any market that the contract can hold, reachable or not, and any account in it.
#[derive(Clone, Debug)]
pub(crate) struct Any {
    pub(crate) market: Market,
    pub(crate) account: Account,
    pub(crate) prices: Vec<U256>,
}

fn any_asset() -> impl Strategy<Value = AssetRules> {
    let decimals = prop_oneof![Just(18u8), Just(8), Just(6), Just(0), Just(2), Just(19)];
    (decimals, 0..10_000u128, 1..=10_000u128, 0..=10_000u128).prop_map(
        |(decimals, borrow, more, liquidation)| {
            let liquidate = (borrow + more).min(10_000);
            let factors = [borrow.min(liquidate - 1), liquidate, liquidation];
            let factors = factors.map(|factor| u(factor * 10u128.pow(14)));
            AssetRules::packed(decimals, factors, U256::ZERO.with_bit(100, true))
        },
    )
}

fn index() -> impl Strategy<Value = U256> {
    prop_oneof![
        3 => (0..2_000_000_000_000_000u128).prop_map(|more| u(INDEX_ONE + more)),
        1 => (0..=u128::from(u64::MAX) - INDEX_ONE).prop_map(|more| u(INDEX_ONE + more)),
    ]
}

pub(crate) fn anything() -> impl Strategy<Value = Any> {
    let market = (6..=18u8, index(), index(), bits(103), bits(103), prop::collection::vec(any_asset(), 0..5));
    let account =
        (bits(103), prop_oneof![4 => Just(true), 1 => Just(false)], prop::collection::vec(bits(128), 5));
    let prices =
        prop::collection::vec(prop_oneof![3 => bits(67), 2 => bits(40), 1 => bits(120), 1 => bits(256)], 6);
    (market, account, prices, prop::option::of(-3..=3i8)).prop_map(
        |(
            (base_decimals, supply, borrow, total, owed_by_all, assets),
            (size, owes, posted),
            prices,
            near,
        )| {
            let rules = Rules { base_decimals, ..rules() };
            let state = State {
                base_supply_index: supply,
                base_borrow_index: borrow,
                total_supply_base: total,
                total_borrow_base: owed_by_all,
                ..fresh()
            };
            let listed = assets.iter().enumerate().map(|(place, rules)| Asset {
                symbol: format!("A{place}"),
                rules: *rules,
                totals: AssetTotals::default(),
            });
            let mut account = Account::new(AccountId(7)).with(if owes { DEBT } else { SUPPLY }, size.into());
            for (asset, posted) in posted.iter().take(assets.len()).enumerate() {
                account.set(collateral(asset), (*posted).into());
            }
            let market = market_of(rules, state, listed.collect());
            let mut prices = prices[..=assets.len()].to_vec();
            if let Some(off) = near
                && let Some(edge) = edge(&market, &account, &prices)
            {
                let off = Int::new(off.into());
                let price =
                    Int::from(edge).add(off).and_then(Int::to_u256).filter(|price| price.bit_len() < 255);
                prices[0] = price.unwrap_or(prices[0]);
            }
            Any { market, account, prices }
        },
    )
}

fn market_of(rules: Rules, state: State, assets: Vec<Asset>) -> Market {
    market(rules, state, assets)
}

fn rational(value: U256) -> BigRational {
    BigRational::from_integer(z(value))
}

/// Backing by the line of liquidation, in whole numbers: the two floors of each asset.
fn backing(market: &Market, account: &Account, prices: &[U256]) -> BigInt {
    let counted = market.assets().iter().enumerate().map(|(place, asset)| {
        let held = signed(account.quantity(collateral(place)));
        let unit = big(10).pow(asset.rules.decimals.into());
        let value: BigInt = held * z(prices[place + 1]) / unit;
        value * z(asset.rules.liquidate_factor) / big(10u128.pow(18))
    });
    counted.sum()
}

/// What is owed: cut once.
fn owed(market: &Market, account: &Account) -> BigInt {
    signed(account.quantity(DEBT)) * z(market.state().base_borrow_index) / big(INDEX_ONE)
}

/// The highest base price at which the account is healthy, by the inverse of the last cut:
/// `backing >= floor(owed * P / U)  <=>  owed * P < (backing + 1) * U`.
fn edge(market: &Market, account: &Account, prices: &[U256]) -> Option<U256> {
    let owed = owed(market, account);
    if owed == BigInt::ZERO {
        return None;
    }
    let unit = big(10).pow(market.rules().base_decimals.into());
    let most: BigInt = ((backing(market, account, prices) + 1) * unit - 1) / owed;
    most.to_string().parse().ok()
}

pub(crate) fn quote<'m>(
    market: &'m Market,
    prices: &[U256],
    lens: Lens,
    seconds: u64,
) -> Option<Box<dyn Quoted + 'm>> {
    let readings = readings(prices);
    market.at(Feeds { readings: &readings }, lens, Time(START + seconds)).ok()
}

pub(crate) fn question(test: Test) -> Question {
    Question { test, lens: Lens::Action, at: Time(START) }
}

fn form(any: &Any, test: Test) -> Option<Form> {
    match any.market.compile(&any.account, question(test)).unwrap() {
        Compiled::Rows(rows) => {
            assert_eq!(rows.len(), 1);
            rows.into_iter().next()
        }
        Compiled::NoDebt | Compiled::Opaque => None,
    }
}

fn lens() -> impl Strategy<Value = Lens> {
    prop_oneof![Just(Lens::View), Just(Lens::Action)]
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![Just(Test::Borrow), Just(Test::Liquidation)]
}

fn headroom(quoted: &dyn Quoted, account: &Account, test: Test) -> Option<Int> {
    let line = quoted.verdict(account, test).ok()?;
    line.backing.sub(line.requirement)
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn law1_the_screen_never_misses(
        any in anything(), lens in lens(), test in test(), seconds in prop_oneof![Just(0u64), 0..100_000_000u64],
    ) {
        let Some(quoted) = quote(&any.market, &any.prices, lens, seconds) else { return Ok(()) };
        let compiled = any.market.compile(&any.account, question(test)).unwrap();
        let seen = screen(&compiled, &Nodes { values: quoted.nodes() }, any.market.epoch());
        match quoted.verdict(&any.account, test).map(|line| line.verdict) {
            Ok(Verdict::Unhealthy) => prop_assert!(matches!(seen, Screen::Candidate | Screen::Unknown(Why::AtBound))),
            Ok(Verdict::NoDebt) => prop_assert_eq!(&compiled, &Compiled::NoDebt),
            Ok(Verdict::Healthy) => prop_assert!(seen != Screen::Recompile),
            Err(refusal) => prop_assert!(matches!(refusal, Refusal::Overflow(_))),
        }
        // With dead oracles the screen knows nothing of an account in debt.
        let dead = any.market.at(Feeds { readings: &[] }, Lens::View, Time(START)).unwrap();
        let seen = screen(&compiled, &Nodes { values: dead.nodes() }, any.market.epoch());
        let blind = if compiled == Compiled::NoDebt { Screen::Clear } else { Screen::Unknown(Why::Missing) };
        prop_assert_eq!(seen, blind);
    }

    /// Law 2, and sharper, as the header derives it: -(1 + P0 / U0) < row - headroom < sum of 1 + factor.
    #[test]
    fn law2_form_stays_within_slack(any in anything(), lens in lens(), test in test(), seconds in 0..100_000_000u64) {
        let (Some(quoted), Some(form)) = (quote(&any.market, &any.prices, lens, seconds), form(&any, test)) else {
            return Ok(());
        };
        let Some(headroom) = headroom(&*quoted, &any.account, test) else { return Ok(()) };
        let nodes = Nodes { values: quoted.nodes() };
        // The base price is beyond any bound, or what is counted ended where the contract stopped.
        let (Ok(row), Ok(slack)) = (form.row(&nodes), form.slack(&nodes)) else { return Ok(()) };
        let sum = quoted.verdict(&any.account, test).unwrap().backing;
        if signed(sum) != full(&any, test) {
            prop_assert!(row >= slack.neg());
            return Ok(());
        }
        let off = row.sub(Wide::from(headroom).mul(form.scale).unwrap()).unwrap();
        prop_assert!(off.abs() <= slack, "{off} {slack}");
        let scale = big(10).pow(33);
        let held = (0..any.market.assets().len()).filter(|asset| !any.account.quantity(collateral(*asset)).is_zero());
        let above: BigInt = held.map(|asset| {
            let rules = &any.market.assets()[asset].rules;
            let factor = if test == Test::Borrow { rules.borrow_factor } else { rules.liquidate_factor };
            &scale + z(factor) * big(10).pow(15)
        }).sum();
        let unit = 33 - u32::from(any.market.rules().base_decimals);
        let below = &scale + z(any.prices[0]) * big(10).pow(unit);
        let off: BigInt = off.to_string().parse().unwrap();
        prop_assert!(off > -&below && (off < above || off == BigInt::ZERO), "{off} {below} {above}");
        prop_assert_eq!(slack.to_string(), (above + below).to_string());
    }

    #[test]
    fn law4_p21_a_higher_price_never_harms(any in anything(), slot in 0..5usize, more in bits(100), test in test()) {
        if slot >= any.prices.len() {
            return Ok(());
        }
        let mut higher = any.prices.clone();
        let Some(price) = higher[slot].add(more) else { return Ok(()) };
        higher[slot] = price;
        let quoted = [&any.prices, &higher].map(|prices| quote(&any.market, prices, Lens::Action, 0).unwrap());
        let seen = [0, 1].map(|end| quoted[end].verdict(&any.account, test).map(|line| line.verdict));
        let [Ok(before), Ok(after)] = seen else { return Ok(()) };
        // What is only held helps, what is owed harms.
        let (low, high) = if slot == 0 { (after, before) } else { (before, after) };
        prop_assert!(low == high || (low, high) == (Verdict::Unhealthy, Verdict::Healthy), "{before:?} {after:?}");
        if let Some(form) = form(&any, test) {
            let row = |end: usize| form.row(&Nodes { values: quoted[end].nodes() });
            if let (Ok(before), Ok(after)) = (row(0), row(1)) {
                let (low, high) = if slot == 0 { (after, before) } else { (before, after) };
                prop_assert!(low <= high);
            }
        }
    }

    /// Healthy at the base price that the algebra names, and unhealthy one unit above.
    #[test]
    fn verdict_flips_at_trigger_price(any in anything()) {
        let Some(trigger) = edge(&any.market, &any.account, &any.prices) else { return Ok(()) };
        let verdict = |price: U256| {
            let mut prices = any.prices.clone();
            prices[0] = price;
            let quoted = quote(&any.market, &prices, Lens::View, 0)?;
            Some(quoted.verdict(&any.account, Test::Liquidation).map(|line| line.verdict))
        };
        match verdict(trigger) {
            Some(Ok(Verdict::Healthy)) => {
                let above = trigger.add(U256::ONE).and_then(verdict);
                prop_assert!(matches!(above, Some(Ok(Verdict::Unhealthy) | Err(Refusal::Overflow(_)))), "{above:?}");
            }
            Some(Err(Refusal::Overflow(_))) => {}
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// A box of one point is the verdict; no point of a wider one contradicts it.
    #[test]
    fn p17_no_point_of_a_box_contradicts_it(
        any in anything(),
        widths in prop_oneof![2 => Just([0u128; 7]), 2 => prop::array::uniform7(0..3u128), 1 => prop::array::uniform7(0..u128::from(u64::MAX))],
        parts in prop::array::uniform7(0..=4u128),
        test in test(),
    ) {
        let assets = any.market.assets().len();
        let wider = |value: U256, place: usize, parts: u128, most: usize| {
            value.add(u(widths[place] / 4 * parts)).filter(|value| value.bit_len() <= most).unwrap_or(value)
        };
        let at = |parts: [u128; 7]| {
            let mut account = any.account.clone();
            if !account.quantity(DEBT).is_zero() {
                let owed = wider(account.quantity(DEBT).magnitude(), 6, parts[6], 103);
                account.set(DEBT, owed.into());
            }
            for (asset, part) in parts.into_iter().enumerate().take(assets) {
                let held = account.quantity(collateral(asset)).magnitude();
                account.set(collateral(asset), wider(held, asset, part, 128).into());
            }
            account
        };
        let prices = |parts: u128| -> Vec<U256> {
            any.prices.iter().enumerate().map(|(place, price)| wider(*price, place, parts, 256)).collect()
        };
        let ends = [prices(0), prices(4)];
        let readings: Vec<Reading> = ends[0].iter().zip(&ends[1])
            .map(|(low, high)| Reading { high: Some(*high), ..Reading::certain(*low) }).collect();
        // The prices that the market itself stands at must not matter.
        let elsewhere = vec![U256::ONE; any.prices.len()];
        let elsewhere = quote(&any.market, &elsewhere, Lens::Action, 0).unwrap();
        let range = elsewhere.over(&at([0; 7]), &at([4; 7]), test, Feeds { readings: &readings });
        let quoted = quote(&any.market, &prices(parts[0]), Lens::Action, 0).unwrap();
        let exact = quoted.verdict(&at(parts), test);
        if widths == [0; 7] {
            let point = range.map(|range| (range.verdict, range.backing, range.requirement));
            let told = exact.map(|e| (Some(e.verdict), [e.backing; 2], [e.requirement; 2]));
            prop_assert_eq!(point, told);
        } else if let (Ok(range), Ok(exact)) = (range, exact) {
            prop_assert!(range.verdict.is_none_or(|verdict| verdict == exact.verdict), "{range:?} {exact:?}");
            prop_assert!(range.backing[0] <= exact.backing && exact.backing <= range.backing[1]);
            prop_assert!(range.requirement[0] <= exact.requirement && exact.requirement <= range.requirement[1]);
        }
    }

    /// What is explained is what was decided, and every step can be recomputed with a pencil.
    #[test]
    fn the_trace_recomputes(any in anything(), test in test(), seconds in 0..100_000_000u64) {
        let Some(quoted) = quote(&any.market, &any.prices, Lens::Action, seconds) else { return Ok(()) };
        let mut steps = Steps::default();
        let explained = quoted.assess(&any.account, test, &mut steps);
        prop_assert_eq!(&explained, &quoted.verdict(&any.account, test));
        for step in &steps.0 {
            if let Some(value) = step.recompute() {
                prop_assert_eq!(value, step.value, "{}", step.formula);
            }
        }
        if let Ok(line) = explained {
            let sums: Vec<&Step> = steps.0.iter().filter(|step| step.formula.starts_with("backing =")).collect();
            prop_assert_eq!(sums.last().map_or(Int::ZERO, |step| step.value), line.backing);
        }
    }

    /// Canonical bytes open to a market of the same bytes, and no other bytes open at all.
    #[test]
    fn encoded_pool_opens_and_acts_the_same(any in anything(), epoch in 0..5u8, cut in any::<prop::sample::Index>()) {
        let mut market = any.market.clone();
        for _ in 0..epoch {
            market.move_epoch();
        }
        let (mut bytes, mut again) = (Vec::new(), Vec::new());
        market.encode(&mut bytes);
        let opened = CompoundV3.open(&bytes).unwrap();
        opened.encode(&mut again);
        prop_assert_eq!(&bytes, &again);
        prop_assert_eq!(opened.epoch(), u64::from(epoch));
        let asked = question(Test::Liquidation);
        prop_assert_eq!(opened.compile(&any.account, asked), market.compile(&any.account, asked));
        prop_assert!(CompoundV3.open(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(CompoundV3.open(&bytes).is_err());
    }
}

/// All that is posted, counted.
pub(crate) fn full(any: &Any, test: Test) -> BigInt {
    let counted = any.market.assets().iter().enumerate().map(|(place, asset)| {
        let factor =
            if test == Test::Borrow { asset.rules.borrow_factor } else { asset.rules.liquidate_factor };
        let held = rational(any.account.quantity(collateral(place)).magnitude());
        let unit = BigRational::from_integer(big(10).pow(asset.rules.decimals.into()));
        let value = (held * rational(any.prices[place + 1]) / unit).floor();
        (value * rational(factor) / BigRational::from_integer(big(10u128.pow(18)))).floor().to_integer()
    });
    counted.sum()
}

#[derive(Default)]
struct Steps(Vec<Step>);

impl Trace for Steps {
    fn listens(&self) -> bool {
        true
    }
    fn about(&mut self, _: Subject) {}
    fn step(&mut self, step: Step) {
        self.0.push(step);
    }
}

fn cells(market: &Market) -> Vec<(Cell, &'static str, Unit, Int)> {
    let mut cells = Vec::new();
    market.visit(&mut |cell, name, unit, value| cells.push((cell, name, unit, value)));
    cells
}

/// Every number that the market shows can be set to what it shows, and none to what the contract cannot hold.
#[test]
fn what_is_shown_can_be_set() {
    let world = World::new();
    let mut market = world.market.clone();
    let state = [
        "base_supply_index",
        "base_borrow_index",
        "tracking_supply_index",
        "tracking_borrow_index",
        "total_supply_base",
        "total_borrow_base",
        "last_accrual_time",
        "base_balance",
        "pause_flags",
        "total_supply",
        "reserves",
    ];
    for (cell, name, _, value) in cells(&world.market) {
        let epoch = market.epoch();
        assert_eq!(market.set(cell, Some(value)), Ok(()), "{name}");
        assert!(cell.object != 0 || (market.epoch() > epoch) != state.contains(&name), "{name}");
        assert_eq!(market.set(cell, None), Err(Refusal::NoSuchCell));
        assert_eq!(market.set(cell, Some(Int::from(U256::MAX))), Err(Refusal::NoSuchCell), "{name}");
        assert_eq!(market.set(cell, Some(Int::new(-1))), Err(Refusal::NoSuchCell), "{name}");
    }
    assert_eq!(cells(&market), cells(&world.market));
    assert_eq!(market.set(Cell { object: 0, field: 25 }, Some(Int::ZERO)), Err(Refusal::NoSuchCell));
    assert_eq!(market.set(Cell { object: 4, field: 0 }, Some(Int::ZERO)), Err(Refusal::NoSuchCell));
    assert_eq!(market.set(Cell { object: 1, field: 7 }, Some(Int::ZERO)), Err(Refusal::NoSuchCell));
}

fn cell(market: &Market, object: u64, name: &str) -> Cell {
    cells(market).into_iter().find(|(cell, known, ..)| cell.object == object && *known == name).unwrap().0
}

/// A form made before a rule changed says so; totals and flags leave it true.
#[test]
fn a_new_factor_voids_the_form() {
    let mut market = World::new().market;
    let account = Account::new(AccountId(0)).with(collateral(0), Int::new(10)).with(DEBT, Int::ONE);
    let compiled = market.compile(&account, question(Test::Liquidation)).unwrap();
    let seen = |market: &Market| {
        let quoted = quote(market, &usual_prices(), Lens::View, 0).unwrap();
        screen(&compiled, &Nodes { values: quoted.nodes() }, market.epoch())
    };
    for (object, name) in [(0, "total_borrow_base"), (0, "pause_flags"), (1, "reserves")] {
        market.set(cell(&market, object, name), Some(Int::new(9))).unwrap();
        assert_ne!(seen(&market), Screen::Recompile, "{name}");
    }
    let factor = cell(&market, 1, "liquidate_collateral_factor");
    market.set(factor, Some(Int::new(910_000_000_000_000_000))).unwrap();
    assert_eq!(seen(&market), Screen::Recompile);
    // A borrow factor that is not below it is none.
    let factor = cell(&market, 1, "borrow_collateral_factor");
    assert_eq!(market.set(factor, Some(Int::new(910_000_000_000_000_000))), Err(Refusal::NoSuchCell));
    // Four decimals survive, and no more.
    assert_eq!(market.set(factor, Some(Int::new(830_050_000_000_000_000))), Err(Refusal::NoSuchCell));
    assert_eq!(market.set(factor, Some(Int::new(830_100_000_000_000_000))), Ok(()));
}
