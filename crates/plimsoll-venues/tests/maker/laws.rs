//! The laws of the form, boxes, doubt, the liquidation price, and the trace.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::num::Wide;
use plimsoll_core::{
    Account, AccountId, Certainty, Compiled, Feeds, Form, Int, Lens, Market as _, Nodes, Question, Quoted,
    Reading, Refusal, Rounding, Screen, Standing, Step, Subject, Test, Time, Trace, U256, Verdict, Why,
    screen,
};
use plimsoll_venues::maker::{
    ART, GEM, INK, Market, PRICE_NODE, Parameters, Revision, SPOT_NODE, State, Stored, VAT_DAI,
};
use proptest::prelude::*;

/// Any market that the contracts can hold, reachable or not, and any position in it.
#[derive(Clone, Debug)]
struct Any {
    market: Market,
    account: Account,
    price: U256,
    lens: Lens,
}

fn ratio() -> impl Strategy<Value = U256> {
    prop_oneof![
        3 => (100..400u128).prop_map(|per_cent| e(per_cent, 25)),
        1 => (900..1_100u128).prop_map(|mille| e(mille, 24)),
        2 => bits(95).prop_map(|odd| odd.max(U256::ONE)),
    ]
}

fn anything() -> impl Strategy<Value = Any> {
    let world = (
        bits(100),
        bits(110),
        ratio(),
        ratio(),
        prop_oneof![2 => Just(0u64), 1 => Just(3_600), 1 => 1..65_536u64],
        (bits(110), bits(110), any::<[bool; 3]>()),
    );
    let position = (bits(110), bits(110), bits(110), bits(160));
    (
        world,
        position,
        prop_oneof![2 => bits(100), 1 => Just(U256::ZERO)],
        (-3..=3i8, any::<bool>()),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(
                (rate, spot, mat, par, hop, (current, next, [live, current_valid, next_valid])),
                (ink, art, gem, dai),
                price,
                (off, near),
                view,
                fees,
            )| {
                let duty = if fees { u(1_000_000_001_547_125_957_863_212_448) } else { ray(1) };
                let rules = Parameters { mat, par, hop, live, duty, ..rules() };
                let state = State {
                    rate,
                    spot,
                    rho: START,
                    poked: START - START % hop.max(1),
                    current: Stored { value: current, valid: current_valid },
                    next: Stored { value: next, valid: next_valid },
                    ..State::default()
                };
                let account = Account::new(AccountId(7))
                    .with(INK, ink.into())
                    .with(ART, art.into())
                    .with(GEM, gem.into())
                    .with(VAT_DAI, dai.into());
                let market = market(Revision::V2_0, rules, state);
                let trigger = trigger_price(&market, &account).filter(|_| near);
                let near = trigger.and_then(|price| price.add(u(3))?.sub(u(3 - off.unsigned_abs() as u128)));
                let lens = if view { Lens::View } else { Lens::Action };
                Any { market, account, price: near.unwrap_or(price), lens }
            },
        )
}

fn up(x: BigInt, by: BigInt) -> BigInt {
    (x + &by - 1u8) / by
}

/// The lowest price at which the account is safe at the stored rate, by the inverse of the two floors:
/// `ink * spot >= art * rate  <=>  spot >= up(art * rate / ink)  <=>  floor(P * 10^36 / par) >= up(spot * mat / 10^27)`.
fn trigger_price(market: &Market, account: &Account) -> Option<U256> {
    let (ink, art) = (account.quantity(INK).magnitude(), account.quantity(ART).magnitude());
    if ink == U256::ZERO {
        return None;
    }
    let (rules, ten) = (market.parameters(), BigInt::from(10));
    let spot = up(z(art) * z(market.state().rate), z(ink));
    let in_dai = up(spot * z(rules.mat), ten.pow(27));
    up(in_dai * z(rules.par), ten.pow(36)).to_string().parse().ok()
}

fn quote<'m>(market: &'m Market, lens: Lens, price: U256, seconds: u64) -> Box<dyn Quoted + 'm> {
    let readings = [Reading::certain(price)];
    market.at(Feeds { readings: &readings }, lens, Time(START + seconds)).unwrap()
}

fn question(any: &Any) -> Question {
    Question { test: Test::Liquidation, lens: any.lens, at: Time(START) }
}

/// One by the least spot, and where the feed's own price may decide another by that.
fn rows(any: &Any) -> Vec<Form> {
    match any.market.compile(&any.account, question(any)).unwrap() {
        Compiled::Rows(rows) => rows,
        Compiled::NoDebt | Compiled::Opaque => Vec::new(),
    }
}

fn headroom(quoted: &dyn Quoted, account: &Account) -> Option<Int> {
    let line = quoted.verdict(account, Test::Liquidation).ok()?;
    // Of an account without debt the value may be left out.
    if line.verdict == Verdict::NoDebt { None } else { line.backing.sub(line.requirement) }
}

fn seconds() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0u64), 0..10_000u64, 0..100_000_000u64]
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn law_1_never_miss(any in anything(), seconds in seconds()) {
        let quoted = quote(&any.market, any.lens, any.price, seconds);
        let compiled = any.market.compile(&any.account, question(&any)).unwrap();
        let seen = screen(&compiled, &Nodes { values: quoted.nodes() }, any.market.epoch());
        match quoted.verdict(&any.account, Test::Liquidation).map(|line| line.verdict) {
            Ok(Verdict::Unhealthy) => prop_assert_eq!(seen, Screen::Candidate),
            Ok(Verdict::NoDebt) => prop_assert_eq!(&compiled, &Compiled::NoDebt),
            Ok(Verdict::Healthy) => prop_assert!(matches!(seen, Screen::Clear | Screen::Candidate)),
            Err(refusal) => prop_assert!(matches!(refusal, Refusal::Overflow(_))),
        }
    }

    /// With a dead feed the screen knows nothing where the feed decides, and all where it does not.
    #[test]
    fn a_dead_feed_blinds_only_where_it_counts(any in anything(), late in any::<bool>()) {
        let after = if late { 100_000 } else { 0 };
        let dead = any.market.at(Feeds { readings: &[] }, any.lens, Time(START + after)).unwrap();
        let compiled = any.market.compile(&any.account, question(&any)).unwrap();
        let seen = screen(&compiled, &Nodes { values: dead.nodes() }, any.market.epoch());
        let (rules, state, now) = (any.market.parameters(), any.market.state(), START + after);
        let moves = any.lens == Lens::Action && rules.live;
        // Spots of the stored prices, in whole numbers without an end; a poke that does not fit is none.
        let poked = |price: Stored| {
            let value = if price.valid { z(price.value) } else { BigInt::ZERO };
            let ray = value * BigInt::from(10).pow(9);
            let in_dai = &ray * BigInt::from(10).pow(27) / z(rules.par);
            let fits = |x: &BigInt| x.bits() <= 256;
            let all = [&ray * BigInt::from(10).pow(27), &in_dai * BigInt::from(10).pow(27)];
            all.iter().all(fits).then(|| in_dai * BigInt::from(10).pow(27) / z(rules.mat))
        };
        let stored = Some(z(state.spot)).filter(|spot| *spot != BigInt::ZERO);
        let known: Vec<BigInt> = stored.into_iter().chain(Some(state.current).filter(|_| rules.hop != 0).and_then(poked)).collect();
        let due = rules.hop != 0 && now >= state.poked + rules.hop;
        let lower = |next: BigInt| known.iter().all(|spot| next < *spot);
        let waits = due && state.current != state.next && poked(state.next).is_some_and(lower);
        // The first hop lets the feed in behind the next price, the second in front; nothing was let in before the last drip.
        let queued = (state.poked + rules.hop).max(START);
        let counts = rules.hop == 0 || now >= queued - queued % rules.hop + rules.hop;
        let blind = moves && (counts || waits);
        let told = dead.verdict(&any.account, Test::Liquidation);
        if compiled == Compiled::NoDebt {
            prop_assert_eq!(told.map(|line| line.verdict), Ok(Verdict::NoDebt));
        } else if blind {
            let opaque = compiled == Compiled::Opaque;
            prop_assert_eq!(seen, if opaque { Screen::Candidate } else { Screen::Unknown(Why::Missing) });
            // Whatever the feed is, a spot that is known can be low enough.
            let rate = dead.nodes()[2].unwrap().mantissa;
            let owed = z(any.account.quantity(ART).magnitude()) * z(rate.magnitude());
            let ink = z(any.account.quantity(INK).magnitude());
            let surely = known.iter().min().is_some_and(|spot| &ink * spot < owed);
            match told.map(|line| line.verdict) {
                Ok(verdict) => prop_assert!(surely && verdict == Verdict::Unhealthy, "{verdict:?}"),
                Err(Refusal::Overflow(_)) => {}
                Err(refusal) => {
                    prop_assert_eq!(refusal, Refusal::PriceUnknown { slot: 0, why: Why::Missing });
                    prop_assert!(!surely);
                }
            }
        } else {
            prop_assert!(matches!(told, Ok(_) | Err(Refusal::Overflow(_))), "{told:?}");
        }
    }

    /// Law 2, and sharper, as the header derives it: no slack at all by the least spot; and by the feed's price
    /// 0 <= row - headroom < ink * den * (1 + 10^27 / mat), rounded up, the headroom being that after a poke of it.
    #[test]
    fn law_2_row_within_slack(any in anything(), seconds in seconds()) {
        let quoted = quote(&any.market, any.lens, any.price, seconds);
        let rows = rows(&any);
        let Some(form) = rows.first() else { return Ok(()) };
        let Some(headroom) = headroom(&*quoted, &any.account) else { return Ok(()) };
        let nodes = Nodes { values: quoted.nodes() };
        let (row, slack) = (form.row(&nodes).unwrap(), form.slack(&nodes).unwrap());
        let off = row.sub(Wide::from(headroom).mul(form.scale).unwrap()).unwrap();
        prop_assert_eq!(form.backing.terms[0].0, SPOT_NODE);
        prop_assert!(slack == Wide::ZERO && off == Wide::ZERO);
        let Some(form) = rows.get(1) else { return Ok(()) };
        prop_assert_eq!((rows.len(), form.backing.terms[0].0), (2, PRICE_NODE));
        let (rules, ten) = (any.market.parameters(), BigInt::from(10));
        let ink = z(any.account.quantity(INK).magnitude());
        let spot = z(any.price) * ten.pow(36) / z(rules.par) * ten.pow(27) / z(rules.mat);
        let rate = nodes.values[2].unwrap().mantissa.magnitude();
        let poked = &ink * spot - z(any.account.quantity(ART).magnitude()) * z(rate);
        let whole = |wide: Wide| wide.to_string().parse::<BigInt>().unwrap();
        let off = whole(form.row(&nodes).unwrap()) - poked * z(form.scale);
        let slack = whole(form.slack(&nodes).unwrap());
        prop_assert!(off >= BigInt::ZERO && (off < slack || ink == BigInt::ZERO), "{off} {slack}");
    }

    #[test]
    fn law_4_monotone_where_declared(any in anything(), more in bits(90)) {
        let Some(higher) = any.price.add(more) else { return Ok(()) };
        let (low, high) = (quote(&any.market, any.lens, any.price, 0), quote(&any.market, any.lens, higher, 0));
        if let (Some(before), Some(after)) = (headroom(&*low, &any.account), headroom(&*high, &any.account)) {
            prop_assert!(after >= before);
        }
        for form in rows(&any) {
            let row = |quoted: &dyn Quoted| form.row(&Nodes { values: quoted.nodes() }).ok();
            if let (Some(before), Some(after)) = (row(&*low), row(&*high)) {
                prop_assert!(after >= before);
            }
        }
    }

    /// Safe at the price that the algebra names, and not one unit below; the figure of that name is the price.
    #[test]
    fn verdict_flips_at_trigger_price(any in anything()) {
        let mut any = any;
        let rules = Parameters { hop: 0, live: true, ..*any.market.parameters() };
        // Nothing is stored: the feed alone decides.
        any.market = market(Revision::V2_0, rules, State { spot: U256::ZERO, ..*any.market.state() });
        let Some(trigger) = trigger_price(&any.market, &any.account) else { return Ok(()) };
        let at = |price| quote(&any.market, Lens::Action, price, 0);
        let verdict = |price| at(price).verdict(&any.account, Test::Liquidation).map(|line| line.verdict);
        match verdict(trigger) {
            Ok(Verdict::NoDebt) => prop_assert!(any.account.quantity(ART).is_zero()),
            Ok(Verdict::Healthy) => {
                if let Some(below) = trigger.sub(U256::ONE) {
                    prop_assert_eq!(verdict(below), Ok(Verdict::Unhealthy));
                }
                let quoted = at(trigger);
                let figures = quoted.figures(&any.account).unwrap();
                let named = figures.iter().find(|figure| figure.name == "liquidationPrice");
                prop_assert!(named.is_none_or(|figure| figure.value == Int::from(trigger)));
            }
            Err(Refusal::Overflow(_)) => {}
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// A box of one point is the verdict; no point of a wider one contradicts it.
    #[test]
    fn boxes_are_true_of_every_point(
        any in anything(),
        widths in prop_oneof![
            2 => Just([0u128; 3]),
            3 => [0..3u128, 0..3, 0..3],
            1 => any::<[u64; 3]>().prop_map(|w| w.map(u128::from)),
        ],
        parts in [0..=4u128, 0..=4, 0..=4],
    ) {
        let held = |instrument, i: usize, parts: u128| {
            Int::from(any.account.quantity(instrument).magnitude().add(u(widths[i] * parts / 4)).unwrap())
        };
        let at = |parts: [u128; 2]| {
            any.account.clone().with(INK, held(INK, 0, parts[0])).with(ART, held(ART, 1, parts[1]))
        };
        let price = |parts: u128| any.price.add(u(widths[2] * parts / 4)).unwrap();
        let readings = [Reading { high: Some(price(4)), ..Reading::certain(any.price) }];
        // The price that the market itself stands at must not matter.
        let elsewhere = quote(&any.market, any.lens, u(1), 0);
        let range = elsewhere.over(&any.account, &at([4, 4]), Test::Liquidation, Feeds { readings: &readings });
        let quoted = quote(&any.market, any.lens, price(parts[2]), 0);
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

    /// What is said of a position under a doubtful price holds at every price that it may have.
    #[test]
    fn what_is_said_under_doubt_holds_at_every_price(
        any in anything(),
        (below, above) in (bits(90), prop_oneof![3 => bits(90).prop_map(Some), 1 => Just(None)]),
        draws in prop::collection::vec((0..4u8, any::<u64>()), 8),
    ) {
        let low = any.price.sub_or_zero(below);
        let high = above.and_then(|above| any.price.add(above));
        let reading = Reading { value: Some(any.price), doubt: Some(Why::Stale), low, high };
        let standing = Standing::new(&any.market, &[reading], any.lens, Time(START)).unwrap();
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
            let quoted = quote(&any.market, any.lens, low.add(within).unwrap(), 0);
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

    /// What is explained is what was decided, and every step can be recomputed with a pencil.
    #[test]
    fn every_traced_step_recomputes(any in anything(), seconds in seconds()) {
        let quoted = quote(&any.market, any.lens, any.price, seconds);
        let mut steps = Steps::default();
        let explained = quoted.assess(&any.account, Test::Liquidation, &mut steps);
        prop_assert_eq!(&explained, &quoted.verdict(&any.account, Test::Liquidation));
        for step in &steps.0 {
            if let Some(value) = step.recompute() {
                prop_assert_eq!(value, step.value, "{}", step.formula);
            }
        }
        if let Ok(line) = explained {
            prop_assert!(line.verdict == Verdict::NoDebt || steps.0.last().unwrap().value == line.backing);
        }
    }

    /// Whatever is executable goes through after pokes that help, and what is not is refused whatever is poked, after some
    /// for the reason given.
    #[test]
    fn executable_is_what_a_bark_finds((revision, rules, ops) in life()) {
        let mut world = begin(revision, rules);
        for op in ops {
            let _ = world.step(world.aimed(op));
            for who in 0..PEOPLE {
                let seen = world.assess(who, Lens::Action).unwrap();
                // The keeper's calls before his bark: he drips, and pokes where he will.
                let poke = |slot| plimsoll_core::Action::Poke { slot };
                let (oracle, spot) = (plimsoll_venues::maker::POKE_ORACLE, plimsoll_venues::maker::POKE_SPOT);
                let all: [&[usize]; 6] =
                    [&[], &[spot], &[oracle], &[oracle, spot], &[oracle, oracle], &[oracle, oracle, spot]];
                let done = all.map(|pokes| {
                    let mut acted = world.clone();
                    // The first of two pokes of the oracle was made as soon as it could be.
                    let (state, hop) = (world.market.state(), world.market.parameters().hop);
                    if pokes.starts_with(&[oracle, oracle]) {
                        acted.at = Time((state.poked + hop).max(state.rho).min(world.at.0));
                    }
                    for slot in pokes {
                        let _ = acted.action(KEEPER, KEEPER, poke(*slot));
                        acted.at = world.at;
                    }
                    let _ = acted.action(KEEPER, KEEPER, plimsoll_core::Action::Accrue);
                    acted.liquidate(KEEPER, who, plimsoll_core::Mechanism::Bark).map(|_| ())
                });
                match (seen.verdict, seen.executable) {
                    (Verdict::Unhealthy, Ok(())) => prop_assert!(done.contains(&Ok(())), "{done:?}"),
                    (Verdict::Unhealthy, Err(why)) => {
                        prop_assert!(!done.contains(&Ok(())), "{done:?} {why:?}");
                        // Of no price at all the contract says that nobody is unsafe.
                        prop_assert!(done.contains(&Err(why)) || why == Refusal::NoValidPrice, "{done:?} {why:?}");
                    }
                    _ => prop_assert_eq!(done, [Err(Refusal::NotLiquidatable); 6]),
                }
            }
        }
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
