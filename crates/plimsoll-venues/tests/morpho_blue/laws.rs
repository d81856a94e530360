//! The laws of the form, the trigger price, the trace, and the canonical bytes.

use crate::health::SETUP;
use crate::world::*;
use plimsoll_core::num::Wide;
use plimsoll_core::{
    Account, AccountId, Cell, Certainty, Compiled, Feeds, Form, Int, Lens, Market as _, Node, Nodes,
    Question, Quoted, Reading, Refusal, Rounding, Screen, Standing, Step, Subject, Test, Time, Trace, U256,
    Unit, Venue as _, Verdict, Why, screen,
};
use plimsoll_venues::morpho_blue::{
    BORROW, COLLATERAL, DEBT_NODE, Irm, Market, MorphoBlue, Parameters, Pool, SUPPLY, State,
};
use proptest::prelude::*;

/// Any number of up to so many bits, small ones as likely as large ones.
fn bits(most: usize) -> impl Strategy<Value = U256> {
    (0..=most, any::<[u8; 32]>()).prop_map(move |(bits, bytes)| {
        let all = U256::from_le_bytes(bytes);
        let kept = (0..bits).fold(U256::ZERO, |kept, bit| kept.with_bit(bit, all.bit(bit)));
        if bits == 0 { kept } else { kept.with_bit(bits - 1, true) }
    })
}

/// Any market that 128 bits can hold, reachable or not, and any position in it.
#[derive(Clone, Debug)]
struct Any {
    market: Market,
    account: Account,
    price: U256,
}

fn anything() -> impl Strategy<Value = Any> {
    let totals = (bits(128), bits(128), bits(128), 0..1_000_000_000_000_000_000u128);
    let position = (bits(128), bits(128), bits(128));
    (totals, position, prop_oneof![2 => bits(200), 1 => Just(U256::ZERO)], -3..=3i8, any::<bool>()).prop_map(
        |((assets, shares, supply, lltv), (collateral, owed, supplied), price, off, near)| {
            let parameters = Parameters {
                loan_decimals: 18,
                collateral_decimals: 6,
                lltv: u(lltv),
                irm: Irm::AdaptiveCurve,
            };
            let state = State {
                supply: Pool { assets: supply, shares: supply },
                borrow: Pool { assets, shares },
                ..state(START)
            };
            let market = Market::new(["DAI", "USDC"], parameters, state).unwrap();
            let account = Account::new(AccountId(7))
                .with(COLLATERAL, collateral.into())
                .with(BORROW, owed.into())
                .with(SUPPLY, supplied.into());
            let trigger = trigger_price(&market, &account).filter(|_| near);
            let near = trigger.and_then(|price| price.add(u(3))?.sub(u(3 - off.unsigned_abs() as u128)));
            Any { market, account, price: near.unwrap_or(price) }
        },
    )
}

/// The lowest price at which the account is healthy, by the inverse of the two floors:
/// `maxBorrow >= owed  <=>  value >= ceil(owed / lltv)  <=>  P >= ceil(value * 10^36 / collateral)`.
fn trigger_price(market: &Market, account: &Account) -> Option<U256> {
    let owed = (q(account.quantity(BORROW).magnitude()) * share_price(market.state().borrow)).ceil();
    let (collateral, lltv) = (account.quantity(COLLATERAL).magnitude(), market.parameters().lltv);
    if collateral == U256::ZERO || lltv == U256::ZERO {
        return None;
    }
    let value = (owed * ten(18) / q(lltv)).ceil();
    (value * ten(36) / q(collateral)).ceil().to_integer().to_string().parse().ok()
}

fn quote<'m>(market: &'m Market, price: U256, seconds: u64) -> Option<Box<dyn Quoted + 'm>> {
    let readings = [Reading::certain(price)];
    market.at(Feeds { readings: &readings }, Lens::Action, Time(START + seconds)).ok()
}

fn verdict(any: &Any, price: U256) -> Result<Verdict, Refusal> {
    let quoted = quote(&any.market, price, 0).unwrap();
    quoted.verdict(&any.account, Test::Liquidation).map(|line| line.verdict)
}

fn question() -> Question {
    Question { test: Test::Liquidation, lens: Lens::Action, at: Time(START) }
}

fn form(any: &Any) -> Option<Form> {
    match any.market.compile(&any.account, question()).unwrap() {
        Compiled::Rows(rows) => {
            assert_eq!(rows.len(), 1);
            rows.into_iter().next()
        }
        Compiled::NoDebt | Compiled::Opaque => None,
    }
}

fn headroom(quoted: &dyn Quoted, account: &Account) -> Option<Int> {
    let line = quoted.verdict(account, Test::Liquidation).ok()?;
    line.backing.sub(line.requirement)
}

proptest! {
    #![proptest_config(cases(2000))]

    /// A box of one point is the verdict; no point of a wider one contradicts it.
    #[test]
    fn boxes_are_true_of_every_point(
        any in anything(),
        widths in prop_oneof![2 => Just([0u128; 3]), 3 => [0..3u128, 0..3, 0..3], 1 => any::<[u64; 3]>().prop_map(|w| w.map(u128::from))],
        parts in [0..=4u128, 0..=4, 0..=4],
    ) {
        let within = |low: U256, i: usize, parts: u128| {
            low.add(u(widths[i] * parts / 4)).filter(|high| high.bit_len() <= 128).unwrap_or(low)
        };
        let held = |instrument| any.account.quantity(instrument).magnitude();
        let at = |parts: [u128; 2]| {
            any.account.clone()
                .with(COLLATERAL, within(held(COLLATERAL), 0, parts[0]).into())
                .with(BORROW, within(held(BORROW), 1, parts[1]).into())
        };
        let price = |parts: u128| any.price.add(u(widths[2] * parts / 4)).unwrap_or(any.price);
        let readings = [Reading { high: Some(price(4)), ..Reading::certain(any.price) }];
        // The price that the market itself stands at must not matter.
        let elsewhere = quote(&any.market, u(1), 0).unwrap();
        let range = elsewhere.over(&any.account, &at([4, 4]), Test::Liquidation, Feeds { readings: &readings });
        let quoted = quote(&any.market, price(parts[2]), 0).unwrap();
        let exact = quoted.verdict(&at([parts[0], parts[1]]), Test::Liquidation);
        if widths == [0; 3] {
            let point = range.map(|range| (range.verdict, range.backing, range.requirement));
            let told = exact.map(|e| (Some(e.verdict), [e.backing; 2], [e.requirement; 2]));
            prop_assert_eq!(point, told);
        } else if let (Ok(range), Ok(exact)) = (range, exact) {
            prop_assert!(range.verdict.is_none_or(|verdict| verdict == exact.verdict), "{range:?} {exact:?}");
            if exact.verdict != Verdict::NoDebt {
                prop_assert!(range.backing[0] <= exact.backing && exact.backing <= range.backing[1]);
                prop_assert!(range.requirement[0] <= exact.requirement && exact.requirement <= range.requirement[1]);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn law1_the_screen_never_misses(any in anything(), seconds in prop_oneof![Just(0u64), 0..1_000_000u64]) {
        let Some(quoted) = quote(&any.market, any.price, seconds) else { return Ok(()) };
        let compiled = any.market.compile(&any.account, question()).unwrap();
        let seen = screen(&compiled, &Nodes { values: quoted.nodes() }, any.market.epoch());
        match quoted.verdict(&any.account, Test::Liquidation).map(|line| line.verdict) {
            Ok(Verdict::Unhealthy) => prop_assert_eq!(seen, Screen::Candidate),
            Ok(Verdict::NoDebt) => prop_assert_eq!(&compiled, &Compiled::NoDebt),
            Ok(Verdict::Healthy) => prop_assert!(matches!(seen, Screen::Clear | Screen::Candidate)),
            Err(refusal) => prop_assert!(matches!(refusal, Refusal::Overflow(_))),
        }
        // With a dead oracle the screen knows nothing of an account in debt.
        let dead = any.market.at(Feeds { readings: &[] }, Lens::View, Time(START)).unwrap();
        let seen = screen(&compiled, &Nodes { values: dead.nodes() }, any.market.epoch());
        let blind = if compiled == Compiled::NoDebt { Screen::Clear } else { Screen::Unknown(Why::Missing) };
        prop_assert_eq!(seen, blind);
    }

    /// Law 2, and sharper, as the header derives it: 0 <= row - headroom < 2 + lltv and the debt node's error.
    #[test]
    fn law2_form_stays_within_slack(any in anything(), seconds in prop_oneof![Just(0u64), 0..1_000_000u64]) {
        let (Some(quoted), Some(form)) = (quote(&any.market, any.price, seconds), form(&any)) else { return Ok(()) };
        let Some(headroom) = headroom(&*quoted, &any.account) else { return Ok(()) };
        let nodes = Nodes { values: quoted.nodes() };
        let (row, slack) = (form.row(&nodes).unwrap(), form.slack(&nodes).unwrap());
        let off = row.sub(Wide::from(headroom).mul(form.scale).unwrap()).unwrap();
        prop_assert!(off.abs() <= slack, "{off} {slack}");
        prop_assert!(off >= Wide::ZERO && off < slack);
        // The node's error is worth less than a 10^-5 loan unit for any position: slack < 2 + lltv + 10^-5.
        let bound = U256::pow10(54).unwrap().mul(u(3)).unwrap().add(U256::pow10(49).unwrap()).unwrap();
        prop_assert!(slack < Wide::from(Int::from(bound)));
    }

    /// What is said of a position under a doubtful price holds at every price that it may have, by the market's integers.
    #[test]
    fn what_is_said_under_doubt_holds_at_every_price(
        any in anything(),
        (below, above) in (bits(100), prop_oneof![3 => bits(100).prop_map(Some), 1 => Just(None)]),
        draws in prop::collection::vec((0..4u8, any::<u64>()), 8),
    ) {
        let low = any.price.sub_or_zero(below);
        let reading = Reading {
            value: Some(any.price),
            doubt: Some(Why::Stale),
            low,
            high: above.and_then(|above| any.price.add(above)),
        };
        let Ok(standing) = Standing::new(&any.market, &[reading], Lens::Action, Time(START)) else { return Ok(()) };
        let judgement = standing.judge(&any.account, Test::Liquidation);
        let high = reading.high.unwrap_or(any.market.slots()[0].highest).max(low);
        let width = high.sub(low).unwrap();
        for (kind, word) in draws {
            let within = match kind {
                0 => U256::ZERO,
                1 => width,
                2 => width.min(u(u128::from(word % 16))),
                _ => width.mul_div_wide(u(word.into()), u(u64::MAX.into()), Rounding::Down).unwrap(),
            };
            let Some(quoted) = quote(&any.market, low.add(within).unwrap(), 0) else { continue };
            let Ok(exact) = quoted.verdict(&any.account, Test::Liquidation) else { continue };
            if let Some(verdict) = judgement.verdict() {
                prop_assert_eq!(verdict, exact.verdict);
            }
            if let Certainty::Safe { at_least, .. } = judgement.certainty {
                let backing = exact.backing.mul_wide(Int::new(100));
                prop_assert!(backing >= exact.requirement.mul_wide(Int::from(at_least)), "{at_least} {exact:?}");
            }
        }
    }

    /// The debt node holds the true value of a share within its error, by exact rationals.
    #[test]
    fn the_debt_node_is_within_its_error(any in anything()) {
        let quoted = quote(&any.market, any.price, 0).unwrap();
        let Node { mantissa, error } = quoted.nodes()[DEBT_NODE.0 as usize].unwrap();
        let exact = share_price(any.market.state().borrow) * ten(44);
        let stored = Q::from_integer(signed(mantissa));
        prop_assert!(stored <= exact && exact - stored < q(error));
    }

    #[test]
    fn law4_p21_a_higher_price_never_harms(any in anything(), more in bits(120)) {
        let Some(higher) = any.price.add(more) else { return Ok(()) };
        let (Some(low), Some(high)) = (quote(&any.market, any.price, 0), quote(&any.market, higher, 0)) else {
            return Ok(());
        };
        if let (Some(before), Some(after)) = (headroom(&*low, &any.account), headroom(&*high, &any.account)) {
            prop_assert!(after >= before);
        }
        if let Some(form) = form(&any) {
            let row = |quoted: &dyn Quoted| form.row(&Nodes { values: quoted.nodes() }).unwrap();
            prop_assert!(row(&*high) >= row(&*low));
        }
    }

    /// Healthy at the price that the algebra names, and unhealthy one unit below.
    #[test]
    fn verdict_flips_at_trigger_price(any in anything()) {
        let Some(trigger) = trigger_price(&any.market, &any.account) else { return Ok(()) };
        match verdict(&any, trigger) {
            Ok(Verdict::NoDebt) => prop_assert!(any.account.quantity(BORROW).is_zero()),
            Ok(Verdict::Healthy) => {
                prop_assert_eq!(trigger.sub(U256::ONE).map(|price| verdict(&any, price)), Some(Ok(Verdict::Unhealthy)));
            }
            Err(Refusal::Overflow(_)) => {}
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// What is explained is what was decided, and every step can be recomputed with a pencil.
    #[test]
    fn the_trace_recomputes(any in anything(), seconds in 0..1_000_000u64) {
        let Some(quoted) = quote(&any.market, any.price, seconds) else { return Ok(()) };
        let mut steps = Steps::default();
        let explained = quoted.assess(&any.account, Test::Liquidation, &mut steps);
        prop_assert_eq!(&explained, &quoted.verdict(&any.account, Test::Liquidation));
        // What was computed is never given: e^x once was, and nobody could follow it.
        let given = steps.0.iter().filter(|step| step.operation == plimsoll_core::Operation::Given);
        for step in given {
            prop_assert!(!step.formula.starts_with("e^"), "{}", step.formula);
        }
        for step in &steps.0 {
            if let Some(value) = step.recompute() {
                prop_assert_eq!(value, step.value, "{}", step.formula);
            }
        }
        if let Ok(line) = explained {
            prop_assert!(line.verdict == Verdict::NoDebt || steps.0.last().unwrap().value == line.backing);
        }
    }

    /// Canonical bytes open to a market of the same bytes, and no other bytes open at all.
    #[test]
    fn bytes_come_back(any in anything(), epoch in 0..5u8, cut in any::<prop::sample::Index>()) {
        let mut market = any.market.clone();
        for _ in 0..epoch {
            market.move_epoch();
        }
        let (mut bytes, mut again) = (Vec::new(), Vec::new());
        market.encode(&mut bytes);
        let opened = MorphoBlue.open(&bytes).unwrap();
        opened.encode(&mut again);
        prop_assert_eq!(&bytes, &again);
        prop_assert_eq!(opened.epoch(), u64::from(epoch));
        prop_assert_eq!(opened.compile(&any.account, question()), market.compile(&any.account, question()));
        prop_assert!(MorphoBlue.open(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(MorphoBlue.open(&bytes).is_err());
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

/// Every number that the market shows can be set to what it shows; rules move the epoch, state does not.
#[test]
fn what_is_shown_can_be_set() {
    let world = World::new(Setup { fee_to_account: true, ..SETUP });
    let mut market = world.market.clone();
    for (cell, name, _, value) in cells(&world.market) {
        let epoch = market.epoch();
        assert_eq!(market.set(cell, Some(value)), Ok(()), "{name}");
        let rule = ["loan_decimals", "collateral_decimals", "lltv", "irm", "fee"].contains(&name);
        assert_eq!(market.epoch() > epoch, rule, "{name}");
        assert_eq!(market.set(cell, None), Err(Refusal::NoSuchCell));
        assert_eq!(market.set(cell, Some(Int::from(U256::MAX))), Err(Refusal::NoSuchCell), "{name}");
    }
    assert_eq!(cells(&market), cells(&world.market));
    let beyond = Cell { object: 0, field: 13 };
    assert_eq!(market.set(beyond, Some(Int::ZERO)), Err(Refusal::NoSuchCell));
    assert_eq!(market.set(Cell { object: 1, field: 0 }, Some(Int::ZERO)), Err(Refusal::NoSuchCell));
}

/// A form made before a rule changed says so.
#[test]
fn a_new_lltv_voids_the_form() {
    let mut market = World::new(SETUP).market;
    let account = Account::new(AccountId(0)).with(COLLATERAL, Int::new(10)).with(BORROW, Int::ONE);
    let compiled = market.compile(&account, question()).unwrap();
    let (lltv, ..) = cells(&market).into_iter().find(|(_, name, ..)| *name == "lltv").unwrap();
    market.set(lltv, Some(Int::new(770_000_000_000_000_000))).unwrap();
    let quoted = quote(&market, u(1), 0).unwrap();
    assert_eq!(screen(&compiled, &Nodes { values: quoted.nodes() }, market.epoch()), Screen::Recompile);
}

/// One whole WETH at 3,000 USDC: 10^36 times 3000 * 10^6 / 10^18.
#[test]
fn the_price_slot_has_the_venues_scale() {
    let market = World::new(SETUP).market;
    let slot = &market.slots()[0];
    assert_eq!((slot.asset.as_str(), slot.currency.as_str(), slot.decimals), ("WETH", "USDC", 24));
    let account = Account::new(AccountId(0)).with(COLLATERAL, Int::new(10i128.pow(18)));
    let price = u(3000).mul(U256::pow10(24).unwrap()).unwrap();
    let quoted = quote(&market, price, 0).unwrap();
    let balance = quoted.balance(&account, COLLATERAL).unwrap();
    assert_eq!(balance.value, Some(u(3_000_000_000)));
}

/// 1 WETH at 3,000.00 USDC with 2,000.00 USDC owed: ltv 2/3 up, health 2580 / 2000 down.
#[test]
fn figures_by_hand() {
    let parameters =
        Parameters { loan_decimals: 6, collateral_decimals: 18, lltv: u(SETUP.lltv), irm: Irm::Zero };
    // As many shares as at first: 10^6 for a unit, so that a share is worth 10^-6 exactly.
    let pool = |assets: u128| Pool { assets: u(assets), shares: u(assets * 1_000_000) };
    let totals = State { supply: pool(9_000_000_000), borrow: pool(5_000_000_000), ..state(START) };
    let market = Market::new(["USDC", "WETH"], parameters, totals).unwrap();
    let account = Account::new(AccountId(0))
        .with(SUPPLY, Int::new(1_500_000))
        .with(COLLATERAL, Int::new(10i128.pow(18)))
        .with(BORROW, Int::new(2_000_000_000 * 1_000_000));
    let price = u(3000).mul(U256::pow10(24).unwrap()).unwrap();
    let figures = quote(&market, price, 99).unwrap().figures(&account).unwrap();
    let figures: Vec<(&str, String)> =
        figures.iter().map(|figure| (figure.name, figure.value.to_string())).collect();
    let expected = [
        ("borrowedAssets", "2000000000"),
        ("supplyAssets", "1"),
        ("collateral", "1000000000000000000"),
        ("maxBorrow", "2580000000"),
        ("ltv", "666666666666666667"),
        ("healthFactor", "1290000000000000000"),
    ];
    assert_eq!(figures, expected.map(|(name, value)| (name, value.to_string())));
}
