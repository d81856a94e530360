//! The laws of the form, boxes, the trace, and the canonical bytes, of every account of worlds that were lived in.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::num::Wide;
use plimsoll_core::{
    Account, AccountId, Action, Amount, Call, Cell, Compiled, Feeds, Form, Int, Lens, Market as _, Nodes,
    Question, Quoted, Reading, Refusal, Screen, Step, Subject, Test, Time, Trace, U256, Unit, Venue as _,
    Verdict, Why, screen,
};
use plimsoll_venues::aave_v4::{AaveV4, MAP, Market, configuration_key, debt, premium_shares, receipt};
use proptest::prelude::*;

fn quote<'m>(market: &'m Market, prices: &[U256], at: u64) -> Box<dyn Quoted + 'm> {
    let readings = readings(prices);
    market.at(Feeds { readings: &readings }, Lens::Action, Time(at)).unwrap()
}

fn question(world: &World, test: Test) -> Question {
    Question { test, lens: Lens::Action, at: Time(world.at) }
}

fn form(world: &World, account: &Account, test: Test) -> Option<Form> {
    match world.market.compile(account, question(world, test)).unwrap() {
        Compiled::Rows(rows) => {
            assert_eq!(rows.len(), 1);
            rows.into_iter().next()
        }
        Compiled::NoDebt | Compiled::Opaque => None,
    }
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![Just(Test::Borrow), Just(Test::Liquidation)]
}

/// A world that was lived in, and prices around those at which the account stands on its line.
fn lived(ops: &[Op]) -> World {
    let mut world = World::begun();
    for op in ops {
        let _ = play(&mut world, op);
    }
    world
}

/// The price of one reserve, moved so that the account stands at its line or a unit beside it.
fn at_the_line(world: &World, account: &Account, place: usize, off: i8, test: Test) -> Vec<U256> {
    let mut prices = world.prices.clone();
    let (mut low, mut high) = (U256::ONE, u(10u128.pow(14)));
    let verdict = |price: U256, prices: &mut Vec<U256>| {
        prices[place] = price;
        quote(&world.market, prices, world.at).verdict(account, test).map(|seen| seen.verdict)
    };
    let first = verdict(low, &mut prices);
    while high.sub(low).unwrap() > U256::ONE {
        let middle = low.add(high.sub(low).unwrap().half()).unwrap();
        if verdict(middle, &mut prices) == first { low = middle } else { high = middle }
    }
    let moved = Int::from(high).add(Int::new(off.into())).and_then(Int::to_u256);
    prices[place] = moved.filter(|price| *price != U256::ZERO).unwrap_or(high);
    prices
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn law_1_never_miss(
        ops in ops(), place in 0..RESERVES, off in -2..=2i8, seconds in prop_oneof![Just(0u64), 0..100_000_000u64],
        test in test(),
    ) {
        let world = lived(&ops);
        for account in &world.accounts {
            let compiled = world.market.compile(account, question(&world, test)).unwrap();
            let prices = at_the_line(&world, account, place, off, test);
            for at in [world.at, world.at + seconds] {
                let quoted = quote(&world.market, &prices, at);
                let seen = screen(&compiled, &Nodes { values: quoted.nodes() }, world.market.epoch());
                match quoted.verdict(account, test).map(|seen| seen.verdict) {
                    Ok(Verdict::Unhealthy) => prop_assert_eq!(seen, Screen::Candidate),
                    Ok(Verdict::NoDebt) => prop_assert_eq!(&compiled, &Compiled::NoDebt),
                    Ok(Verdict::Healthy) => prop_assert!(seen != Screen::Recompile),
                    Err(refusal) => prop_assert!(matches!(refusal, Refusal::Overflow(_)), "{refusal}"),
                }
            }
            let dead = world.market.at(Feeds { readings: &[] }, Lens::View, Time(world.at)).unwrap();
            let seen = screen(&compiled, &Nodes { values: dead.nodes() }, world.market.epoch());
            let blind = if compiled == Compiled::NoDebt { Screen::Clear } else { Screen::Unknown(Why::Missing) };
            prop_assert_eq!(seen, blind);
        }
    }

    /// Law 2, and both sides as the header derives them: the requirement's row is the exact debt, and backing's is within
    /// max(shares, 1e27) of each collateral.
    #[test]
    fn law_2_row_within_slack(ops in ops(), place in 0..RESERVES, off in -1..=1i8, test in test(), seconds in 0..10_000_000u64) {
        let world = lived(&ops);
        for account in &world.accounts {
            let Some(form) = form(&world, account, test) else { continue };
            let prices = at_the_line(&world, account, place, off, test);
            let quoted = quote(&world.market, &prices, world.at + seconds);
            let nodes = Nodes { values: quoted.nodes() };
            let Ok(seen) = quoted.verdict(account, test) else { continue };
            let headroom = seen.backing.sub(seen.requirement).unwrap();
            let (row, slack) = (form.row(&nodes).unwrap(), form.slack(&nodes).unwrap());
            let off = row.sub(Wide::from(headroom).mul(form.scale).unwrap()).unwrap();
            prop_assert!(off.abs() <= slack, "{off} {slack}");
            let scaled = |value: Int| Wide::from(value).mul(form.scale).unwrap();
            let above = scaled(seen.requirement).sub(form.requirement.at(&nodes).unwrap()).unwrap();
            prop_assert!(!above.is_negative() && above < Wide::from(Int::from(u(RAY))), "{above}");
            // Collateral counts by the version in force on every line, at the price of a share that is cut.
            let counted: BigInt = world.market.reserves().iter().enumerate().map(|(place, reserve)| {
                let key = account.term(configuration_key(place)).to_u64().unwrap() as usize;
                let counts = account.term(MAP).magnitude().bit(2 * place + 1);
                if !counts || reserve.configurations[key].1.collateral_factor == 0 { return BigInt::ZERO }
                let asset = &world.market.assets()[reserve.asset];
                let assets = z(asset.views(Time(world.at + seconds)).unwrap().added_assets) + 1_000_000;
                let share = fl(assets * big(RAY), z(asset.state.added_shares) + 1_000_000);
                let level = big(10).pow(18 - u32::from(decimals(place)));
                z(account.quantity(receipt(place)).magnitude()) * share * level * z(prices[place]) * 10_000
            }).sum();
            prop_assert_eq!(form.collateral.at(&nodes).unwrap().to_string(), counted.to_string());
            // The slack is no more than it must be: as much as the header says.
            let expected: BigInt = world.market.reserves().iter().enumerate().map(|(place, reserve)| {
                let counts = account.term(MAP).magnitude().bit(2 * place + 1);
                let key = if test == Test::Borrow { reserve.newest } else { account.term(configuration_key(place)).to_u64().unwrap() as u32 };
                let factor = reserve.configurations[key as usize].1.collateral_factor;
                let shares = z(account.quantity(receipt(place)).magnitude());
                if !counts || shares == BigInt::ZERO { return BigInt::ZERO }
                let level = big(10).pow(18 - u32::from(decimals(place)));
                shares.max(big(RAY)) * factor * level * z(prices[place])
            }).sum::<BigInt>() + big(RAY);
            prop_assert_eq!(slack.to_string(), expected.to_string());
        }
    }

    #[test]
    fn law_4_monotone_where_declared(ops in ops(), place in 0..RESERVES, more in 1..10u128.pow(12), test in test()) {
        let world = lived(&ops);
        for account in &world.accounts {
            let prices = at_the_line(&world, account, place, -1, test);
            let mut higher = prices.clone();
            higher[place] = prices[place].add(u(more)).unwrap();
            let ends = [&prices, &higher].map(|prices| {
                let quoted = quote(&world.market, prices, world.at);
                quoted.verdict(account, test).map(|seen| (seen.verdict, seen.backing.sub(seen.requirement).unwrap()))
            });
            let [Ok(before), Ok(after)] = ends else { continue };
            if account.quantity(debt(place)).is_zero() {
                prop_assert!(before.1 <= after.1);
                prop_assert!(before.0 == after.0 || after.0 == Verdict::Healthy);
            }
            if account.quantity(receipt(place)).is_zero() {
                prop_assert!(before.1 >= after.1);
            }
        }
    }

    /// A box of one point is the verdict; no point of a wider one contradicts it. Boxes are wide in what is held, owed and
    /// paid as premium, and in prices.
    #[test]
    fn no_point_of_a_box_contradicts_it(
        ops in ops(), place in 0..RESERVES, off in -2..=2i8, test in test(),
        widths in prop_oneof![Just([0u128; 3]), prop::array::uniform3(0..4u128), prop::array::uniform3(0..10u128.pow(12))],
        part in 0..=4u128,
    ) {
        let world = lived(&ops);
        for account in &world.accounts {
            let prices = at_the_line(&world, account, place, off, test);
            let wider = |parts: u128| {
                let mut wide = account.clone();
                for place in 0..RESERVES {
                    let grown = |instrument, width: u128| {
                        let quantity = account.quantity(instrument);
                        if quantity.is_zero() { quantity } else { quantity.add(Int::from(u(width / 4 * parts))).unwrap() }
                    };
                    wide.set(receipt(place), grown(receipt(place), widths[0]));
                    wide.set(debt(place), grown(debt(place), widths[1]));
                    if !account.quantity(debt(place)).is_zero() {
                        let shares = account.term(premium_shares(place)).add(Int::from(u(widths[1] / 8 * parts))).unwrap();
                        wide.set_term(premium_shares(place), shares);
                    }
                }
                wide
            };
            let at = |parts: u128| -> Vec<U256> {
                prices.iter().map(|price| price.add(u(widths[2] / 4 * parts)).unwrap()).collect()
            };
            let readings: Vec<Reading> = at(0).iter().zip(at(4))
                .map(|(low, high)| Reading { high: Some(high), ..Reading::certain(*low) }).collect();
            // The prices that the market itself stands at must not matter.
            let elsewhere = quote(&world.market, &[U256::ONE; RESERVES], world.at);
            let range = elsewhere.over(&wider(0), &wider(4), test, Feeds { readings: &readings });
            let exact = quote(&world.market, &at(part), world.at).verdict(&wider(part), test);
            if widths == [0; 3] {
                let point = range.map(|range| (range.verdict, range.backing, range.requirement));
                prop_assert_eq!(point, exact.map(|e| (Some(e.verdict), [e.backing; 2], [e.requirement; 2])));
            } else if let (Ok(range), Ok(exact)) = (range, exact) {
                prop_assert!(range.verdict.is_none_or(|verdict| verdict == exact.verdict), "{range:?} {exact:?}");
                prop_assert!(range.backing[0] <= exact.backing && exact.backing <= range.backing[1]);
                prop_assert!(range.requirement[0] <= exact.requirement && exact.requirement <= range.requirement[1]);
            }
        }
    }

    /// What is proven to be refused between two amounts is refused at all of them, by the limit of premium shares; and single amounts that
    /// it refuses are proven, but for loans of what the account has as collateral.
    #[test]
    fn no_amount_is_taken_where_none_is_said_to_be(
        ops in ops(), who in 0..PEOPLE, place in 0..RESERVES, limit in 0..1_500u32, lends in any::<bool>(),
        ends in prop::array::uniform2(1..60_000u64), near in any::<bool>(),
    ) {
        let mut world = lived(&ops);
        let limited = (2_000..2_000 + RESERVES as u64).filter_map(|object| {
            let of = |(cell, name, _, _): &(Cell, &str, Unit, Int)| cell.object == object && *name == "risk_premium_threshold";
            cells(&world.market).into_iter().find(of)
        });
        for (cell, ..) in limited.collect::<Vec<_>>() {
            world.market.set(cell, Some(Int::from(u64::from(limit)))).unwrap();
        }
        let readings = readings(&world.prices);
        let feeds = Feeds { readings: &readings };
        let id = AccountId(who);
        let call = |amount: U256| {
            let amount = Amount::Assets(amount);
            let action = if lends { Action::Borrow { debt: debt(place), amount } } else { Action::Repay { debt: debt(place), amount } };
            Call { actor: id, account: id, at: Time(world.at), action }
        };
        let refused = |amount: U256| {
            let done = world.market.call(&call(amount), &world.accounts, feeds, &mut plimsoll_core::Silent);
            matches!(done, Err(Refusal::RiskPremiumLimit(_)))
        };
        // Of about as many dollars as they say, or so many raw units.
        let scale = if near { 1 } else { [4 * 10u128.pow(14), 1_000_000, 1_600, 1_000_000, 4 * 10u128.pow(14), 1_000_000][place] };
        let [low, high] = [ends[0].min(ends[1]), ends[0].max(ends[1])].map(|end| u(u128::from(end) * scale));
        let proven = |low: U256, high: U256| world.market.refuses_between([&call(low), &call(high)], &world.accounts, feeds);
        if proven(low, high) {
            let gap = high.sub(low).unwrap();
            for part in 0..=16u64 {
                let step = gap.mul(U256::from(part)).unwrap().div(u(16), plimsoll_core::Rounding::Down).unwrap();
                prop_assert!(refused(low.add(step).unwrap()), "{part} of {low} to {high}");
            }
        }
        let same = world.accounts[who as usize].term(MAP).magnitude();
        let shares = (0..RESERVES).any(|at| same.bit(2 * at + 1) && world.market.reserves()[at].asset == world.market.reserves()[place].asset);
        if refused(low) && !(lends && shares) {
            prop_assert!(proven(low, low), "{low}");
        }
    }

    /// What is explained is what was decided, and every step can be recomputed with a pencil.
    #[test]
    fn every_traced_step_recomputes(ops in ops(), test in test(), seconds in 0..10_000_000u64) {
        let world = lived(&ops);
        for account in &world.accounts {
            let quoted = quote(&world.market, &world.prices, world.at + seconds);
            let mut steps = Steps::default();
            let explained = quoted.assess(account, test, &mut steps);
            prop_assert_eq!(&explained, &quoted.verdict(account, test));
            for step in &steps.0 {
                if let Some(value) = step.recompute() {
                    prop_assert_eq!(value, step.value, "{}", step.formula);
                }
            }
        }
    }

    #[test]
    fn encoded_pool_opens_and_acts_the_same(ops in ops(), epoch in 0..3u8, cut in any::<prop::sample::Index>()) {
        let world = lived(&ops);
        let mut market = world.market.clone();
        for _ in 0..epoch {
            market.move_epoch();
        }
        let (mut bytes, mut again) = (Vec::new(), Vec::new());
        market.encode(&mut bytes);
        let opened = AaveV4.open(&bytes).unwrap();
        opened.encode(&mut again);
        prop_assert_eq!(&bytes, &again);
        prop_assert_eq!(opened.epoch(), u64::from(epoch));
        let asked = question(&world, Test::Liquidation);
        for account in &world.accounts {
            prop_assert_eq!(opened.compile(account, asked), market.compile(account, asked));
        }
        prop_assert!(AaveV4.open(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(AaveV4.open(&bytes).is_err());
    }
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

/// Every number that the market shows can be set to what it shows, and none to what the contract cannot hold; only what a
/// form stands on moves the epoch.
#[test]
fn what_is_shown_can_be_set() {
    let world = World::begun();
    let mut market = world.market.clone();
    let rules =
        ["decimals", "dynamic_config_key", "collateral_factor", "max_liquidation_bonus", "liquidation_fee"];
    for (cell, name, _, value) in cells(&world.market) {
        let epoch = market.epoch();
        assert_eq!(market.set(cell, Some(value)), Ok(()), "{name}");
        assert_eq!(market.epoch() > epoch, rules.contains(&name), "{name}");
        assert_eq!(market.set(cell, None), Err(Refusal::NoSuchCell), "{name}");
        assert_eq!(market.set(cell, Some(Int::from(U256::MAX))), Err(Refusal::NoSuchCell), "{name}");
        let below = market.set(cell, Some(Int::new(-1)));
        assert_eq!(below.is_ok(), name == "premium_offset_ray", "{name}");
        market.set(cell, Some(value)).unwrap();
    }
    assert_eq!(cells(&market), cells(&world.market));
    for (object, field) in
        [(0, 19), (4, 0), (1_000, 4), (1_002, 0), (2_000, 15), (2_006, 0), (1 << 32, 3), (3, 99)]
    {
        assert_eq!(
            market.set(Cell { object, field }, Some(Int::ONE)),
            Err(Refusal::NoSuchCell),
            "{object} {field}"
        );
    }
}
