//! The laws of the form, boxes of troves, the trace, and the canonical bytes.

use crate::world::*;
use plimsoll_core::num::Wide;
use plimsoll_core::{
    Account, Arithmetic, Cell, Compiled, Feeds, Form, Int, Lens, Market as _, Nodes, Question, Quoted,
    Reading, Refusal, Screen, Silent, Step, Subject, Test, Time, Trace, U256, Unit, Venue as _, Verdict,
    screen,
};
use plimsoll_venues::liquity_v2::{BATCH, DEBT, LiquityV2, Market, SHARES, collateral};
use proptest::prelude::*;

fn question(test: Test) -> Question {
    Question { test, lens: Lens::Action, at: Time(START) }
}

/// A system with a past, and prices and a time at which it is looked at.
#[derive(Clone, Debug)]
struct Any {
    world: World,
    prices: [U256; 2],
    seconds: u64,
}

fn anything() -> impl Strategy<Value = Any> {
    let price = || prop_oneof![2 => 1..6_000_000u128, 1 => 400_000..2_400_000u128];
    (ops(30), [price(), price()], prop_oneof![Just(0u64), Just(1), 0..40_000_000u64], -2..=2i8, any::<bool>())
        .prop_map(|(ops, prices, seconds, off, near)| {
            let mut world = if seconds % 3 == 0 { World::begun() } else { World::storied() };
            for op in ops {
                world.step(op);
            }
            let mut prices = prices.map(wad);
            // The price at which a trove's two sides are equal, and beside it.
            let first = world.open(0).into_iter().next().filter(|_| near);
            if let Some((_, now)) = first
                && now.collateral != U256::ZERO
            {
                let mcr = world.branch(0).rules.mcr;
                let even = now.debt.mul_div_wide(mcr, now.collateral, plimsoll_core::Rounding::Up).unwrap();
                let around = even.add(u(2)).unwrap().sub_or_zero(u(2u128.wrapping_sub(off as u128) % 5));
                prices[0] = around.max(u(1));
            }
            Any { world, prices, seconds: if near { 0 } else { seconds } }
        })
}

impl Any {
    fn quoted<'m>(&self, market: &'m Market) -> Box<dyn Quoted + 'm> {
        self.quoted_at(market, self.prices)
    }

    fn quoted_at<'m>(&self, market: &'m Market, prices: [U256; 2]) -> Box<dyn Quoted + 'm> {
        let at = Time(self.world.at.0 + self.seconds);
        market.at(Feeds { readings: &prices.map(Reading::certain) }, Lens::Action, at).unwrap()
    }

    fn troves(&self) -> Vec<(usize, Account)> {
        let all = (0..2).flat_map(|branch| (0..TROVES).map(move |number| (branch, trove(branch, number))));
        all.map(|(branch, id)| (branch, self.world.account(id))).collect()
    }
}

fn forms(compiled: Compiled) -> Vec<Form> {
    match compiled {
        Compiled::Rows(rows) => rows,
        Compiled::NoDebt => Vec::new(),
        Compiled::Opaque => panic!("every trove has a row"),
    }
}

fn headroom(quoted: &dyn Quoted, account: &Account, test: Test) -> Int {
    let line = quoted.verdict(account, test).unwrap();
    line.backing.sub(line.requirement).unwrap()
}

proptest! {
    #![proptest_config(cases(150))]

    /// Law 1, also of a form that was made before others acted, while the rules stood and the trove was left alone.
    #[test]
    fn law1_the_screen_never_misses(any in anything(), more in ops(12), test in prop_oneof![Just(Test::Liquidation), Just(Test::Borrow)]) {
        let mut later = any.clone();
        let before = any.world.clone();
        for op in more {
            later.world.step(op);
        }
        for (_, account) in any.troves() {
            let compiled = before.market.compile(&account, question(test)).unwrap();
            for world in [&before, &later.world] {
                if world.account(account.id) != account {
                    continue;
                }
                let quoted = Any { world: world.clone(), ..any }.quoted_own();
                let quoted = quoted.0.at(&quoted.1);
                let seen = screen(&compiled, &Nodes { values: quoted.nodes() }, world.market.epoch());
                match quoted.verdict(&account, test).unwrap().verdict {
                    Verdict::Unhealthy => prop_assert!(matches!(seen, Screen::Candidate | Screen::Recompile)),
                    Verdict::NoDebt | Verdict::Healthy => prop_assert!(!matches!(seen, Screen::Unknown(_))),
                }
                if world.market.epoch() == before.market.epoch() {
                    prop_assert!(seen != Screen::Recompile);
                }
            }
        }
    }

    /// Law 2, of the same forms: |row - headroom| <= slack.
    #[test]
    fn law2_form_stays_within_slack(any in anything(), more in ops(12), test in prop_oneof![Just(Test::Liquidation), Just(Test::Borrow)]) {
        let mut later = any.world.clone();
        for op in more {
            later.step(op);
        }
        for (branch, account) in any.troves() {
            let rows = forms(any.world.market.compile(&account, question(test)).unwrap());
            for world in [&any.world, &later] {
                let stale = world.market.epoch() != any.world.market.epoch();
                if stale || world.account(account.id) != account {
                    continue;
                }
                let seen = Any { world: world.clone(), ..any };
                let quoted = seen.quoted(&seen.world.market);
                for form in &rows {
                    let nodes = Nodes { values: quoted.nodes() };
                    let (row, slack) = (form.row(&nodes).unwrap(), form.slack(&nodes).unwrap());
                    let exact = Wide::from(headroom(&*quoted, &account, test)).mul(form.scale).unwrap();
                    prop_assert!(row.sub(exact).unwrap().abs() <= slack, "{row} {exact} {slack}");
                    // And the slack is small: a few raw units of debt and one of collateral.
                    let unit = whole(1).max(seen.prices[branch]);
                    let fine = u(31_536_000 * 10u128.pow(18));
                    let bound = Int::from(unit.mul(u(20)).unwrap()).mul_wide(Int::from(fine));
                    let shares = account.quantity(SHARES).mul_wide(Int::new(10i128.pow(27)));
                    prop_assert!(slack < bound.add(shares).unwrap() || test == Test::Borrow);
                }
            }
        }
    }

    /// Law 4: no higher price harms a trove, by row or verdict.
    #[test]
    fn law4_a_higher_price_never_harms(any in anything(), more in prop_oneof![Just(1u128), 1..10u128.pow(22)]) {
        let higher = any.prices.map(|price| price.add(u(more)).unwrap());
        let (low, high) = (any.quoted(&any.world.market), any.quoted_at(&any.world.market, higher));
        for (_, account) in any.troves() {
            for test in [Test::Liquidation, Test::Borrow] {
                prop_assert!(headroom(&*high, &account, test) >= headroom(&*low, &account, test));
                let verdict = |quoted: &dyn Quoted| quoted.verdict(&account, test).unwrap().verdict;
                prop_assert!(verdict(&*low) != Verdict::Healthy || verdict(&*high) == Verdict::Healthy);
                for form in forms(any.world.market.compile(&account, question(test)).unwrap()) {
                    let row = |quoted: &dyn Quoted| form.row(&Nodes { values: quoted.nodes() }).unwrap();
                    prop_assert!(row(&*high) >= row(&*low));
                }
            }
        }
    }

    /// The verdict is the contract's: floor(collateral * price / debt) < MCR, and what `liquidate` does follows it.
    #[test]
    fn the_verdict_is_the_contracts_own_comparison(any in anything()) {
        let quoted = any.quoted(&any.world.market);
        let at = Time(any.world.at.0 + any.seconds);
        for (branch, account) in any.troves() {
            let Some(now) = any.world.market.trove(&account, at).unwrap() else { continue };
            let line = quoted.verdict(&account, Test::Liquidation).unwrap();
            let mut world = any.world.clone();
            world.at = at;
            world.prices = any.prices;
            if now.debt == U256::ZERO {
                prop_assert_eq!(line.verdict, Verdict::NoDebt);
                continue;
            }
            let ratio = z(now.collateral) * z(any.prices[branch]) / z(now.debt);
            let below = ratio < z(world.branch(branch).rules.mcr);
            prop_assert_eq!(line.verdict == Verdict::Unhealthy, below);
            let outcome = world.liquidate(vec![account.id]);
            prop_assert_eq!(outcome == Err(Refusal::NotLiquidatable), !below);
            if below {
                prop_assert_eq!(outcome == Err(Refusal::LastPosition), line.executable == Err(Refusal::LastPosition));
            }
        }
    }

    /// A box of one point is the verdict; no point of a wider one contradicts it. The box may span every term that moves.
    #[test]
    fn boxes_are_true_of_every_point(any in anything(), more in [0..3u128, 0..1000u128], wide in 0..10u128.pow(21), parts in [0..=4u128, 0..=4, 0..=4]) {
        let test = if more[0] == 1 { Test::Borrow } else { Test::Liquidation };
        for (branch, account) in any.troves() {
            let debt = if account.term(BATCH).is_zero() { DEBT } else { SHARES };
            if account.holdings().is_empty() {
                continue;
            }
            let widened = |[held, owed]: [u128; 2]| {
                let add = |id, by: u128| account.quantity(id).add(Int::from(u(by))).unwrap();
                account.clone()
                    .with(collateral(branch), add(collateral(branch), held))
                    .with(debt, add(debt, owed))
            };
            let size = if more[0] == 0 { 0 } else { more[1] * 10u128.pow(16) };
            let width = if more[0] == 0 { 0 } else { wide };
            let scaled = |size: u128, parts: u128| size / 4 * parts;
            let price = |parts: u128| any.prices[branch].add(u(scaled(width, parts))).unwrap();
            let mut readings = any.prices.map(Reading::certain);
            readings[branch].high = Some(price(4));
            let elsewhere = any.quoted_at(&any.world.market, [u(1), u(1)]);
            let high = widened([scaled(size, 4), scaled(size, 4)]);
            // Shares beyond all there are have no meaning.
            if debt == SHARES && size != 0 {
                continue;
            }
            let range = elsewhere.over(&account, &high, test, Feeds { readings: &readings }).unwrap();
            let mut prices = any.prices;
            prices[branch] = price(parts[2]);
            let point = widened([scaled(size, parts[0]), scaled(size, parts[1])]);
            let exact = any.quoted_at(&any.world.market, prices).verdict(&point, test).unwrap();
            if size == 0 && width == 0 {
                let told = (Some(exact.verdict), [exact.backing; 2], [exact.requirement; 2]);
                if exact.verdict != Verdict::NoDebt {
                    prop_assert_eq!((range.verdict, range.backing, range.requirement), told);
                }
            }
            prop_assert!(range.verdict.is_none_or(|verdict| verdict == exact.verdict), "{:?} {:?}", range, exact);
            if exact.verdict != Verdict::NoDebt {
                prop_assert!(range.backing[0] <= exact.backing && exact.backing <= range.backing[1]);
                prop_assert!(range.requirement[0] <= exact.requirement && exact.requirement <= range.requirement[1]);
            }
        }
    }

    /// What is explained is what was decided, and every step can be recomputed with a pencil.
    #[test]
    fn the_trace_recomputes(any in anything()) {
        let quoted = any.quoted(&any.world.market);
        for (_, account) in any.troves() {
            for test in [Test::Liquidation, Test::Borrow] {
                let mut steps = Steps::default();
                let explained = quoted.assess(&account, test, &mut steps).unwrap();
                prop_assert_eq!(Ok(explained), quoted.verdict(&account, test));
                for step in &steps.0 {
                    if let Some(value) = step.recompute() {
                        prop_assert_eq!(value, step.value, "{}", step.formula);
                    }
                }
                if explained.verdict != Verdict::NoDebt {
                    prop_assert_eq!(steps.0.last().unwrap().value, explained.backing);
                }
            }
        }
    }

    /// Canonical bytes open to a market of the same bytes, which acts the same; no other bytes open at all.
    #[test]
    fn encoded_pool_opens_and_acts_the_same(any in anything(), cut in any::<prop::sample::Index>()) {
        let market = &any.world.market;
        let (mut bytes, mut again) = (Vec::new(), Vec::new());
        market.encode(&mut bytes);
        let opened = LiquityV2.open(&bytes).unwrap();
        opened.encode(&mut again);
        prop_assert_eq!(&bytes, &again);
        prop_assert_eq!(opened.epoch(), market.epoch());
        prop_assert_eq!(opened.nodes(), market.nodes());
        for (_, account) in any.troves() {
            let one = opened.compile(&account, question(Test::Liquidation));
            prop_assert_eq!(one, market.compile(&account, question(Test::Liquidation)));
            let call = plimsoll_core::Call {
                actor: KEEPER, account: account.id, at: any.world.at, action: plimsoll_core::Action::Close,
            };
            let readings = any.prices.map(Reading::certain);
            let feeds = Feeds { readings: &readings };
            let act = |market: &dyn plimsoll_core::Market| market.act(&call, &any.world.people, feeds, &mut Silent);
            prop_assert_eq!(act(&*opened), act(market));
        }
        prop_assert!(LiquityV2.open(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(LiquityV2.open(&bytes).is_err());
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

/// A market and how it is looked at, kept together.
struct Look(Market, [U256; 2], Time);

impl Any {
    fn quoted_own(self) -> (Look, ()) {
        let at = Time(self.world.at.0 + self.seconds);
        (Look(self.world.market, self.prices, at), ())
    }
}

impl Look {
    fn at(&self, (): &()) -> Box<dyn Quoted + '_> {
        self.0.at(Feeds { readings: &self.1.map(Reading::certain) }, Lens::Action, self.2).unwrap()
    }
}

fn cells(market: &Market) -> Vec<(Cell, &'static str, Unit, Int)> {
    let mut cells = Vec::new();
    market.visit(&mut |cell, name, unit, value| cells.push((cell, name, unit, value)));
    cells
}

/// Every number that the market shows can be set to what it shows; rules and a shutdown move the epoch, state does not.
#[test]
fn what_is_shown_can_be_set() {
    let world = World::begun();
    let mut market = world.market.clone();
    let rules = ["ccr", "mcr", "bcr", "scr", "penalty_pool", "penalty_redistribution", "shutdown_time"];
    for (cell, name, _, value) in cells(&world.market) {
        let epoch = market.epoch();
        assert_eq!(market.set(cell, Some(value)), Ok(()), "{name}");
        assert_eq!(market.epoch() > epoch, rules.contains(&name), "{name}");
    }
    assert_eq!(cells(&market), cells(&world.market));
    let none = [Cell { object: 0, field: 5 }, Cell { object: 1, field: 35 }, Cell { object: 3, field: 0 }];
    for cell in none
        .into_iter()
        .chain([Cell { object: 1 << 62 | 5 << 48, field: 0 }, Cell { object: u64::MAX, field: 0 }])
    {
        assert_eq!(market.set(cell, Some(Int::ZERO)), Err(Refusal::NoSuchCell));
    }
    assert_eq!(market.set(Cell { object: 1, field: 0 }, None), Err(Refusal::NoSuchCell));
}

/// A form made before a shutdown says so: its clock has stopped.
#[test]
fn a_shutdown_voids_forms() {
    let mut world = World::begun();
    let account = world.account(trove(0, 1));
    let compiled = world.market.compile(&account, question(Test::Liquidation)).unwrap();
    world.prices[0] = whole(700);
    let action = plimsoll_core::Action::ShutDown { branch: collateral(0) };
    world.act(KEEPER, KEEPER, action).unwrap();
    let seen = screen(&compiled, &Nodes { values: world.quoted().nodes() }, world.market.epoch());
    assert_eq!(seen, Screen::Recompile);
    assert!(Silent.add("1 + 1", u(1), u(1), Unit::NUMBER).is_ok());
}
