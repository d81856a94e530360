//! What the kernel says of packed rows, beside the definition in exact integers ([`plimsoll_core::screen`]).

#![allow(clippy::expect_used, clippy::panic, clippy::float_arithmetic)] // a test that cannot make its book has failed

use plimsoll_core::{Compiled, Form, Int, Linear, Node, NodeId, Nodes, Screen, U256, Valid, Why, screen};
use plimsoll_kernel::{
    Layout, MarketRows, Money, Packed, Packing, Path, Plan, Screened, Swept, Threads, World, Worlds,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const NODES: u32 = 5;
const EPOCH: u64 = 3;
/// Rows reach 2^221.
const QUANTA: f64 = 1e-52;

/// A whole number of any size up to so many bits: near zero, in the middle and at the end alike.
fn whole(bits: u32) -> impl Strategy<Value = U256> {
    (any::<u128>(), any::<u64>(), 0..=bits).prop_map(move |(low, high, keep)| {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&low.to_le_bytes());
        bytes[16..24].copy_from_slice(&high.to_le_bytes());
        let word = U256::from_le_bytes(bytes);
        let mut kept = U256::ZERO;
        for bit in 0..keep as usize {
            kept = kept.with_bit(bit, word.bit(bit));
        }
        kept
    })
}

fn linear(signed: bool) -> impl Strategy<Value = Linear> {
    let number = move |bits| {
        (whole(bits), any::<bool>()).prop_map(move |(x, negative)| Int::from_parts(negative && signed, x))
    };
    let terms = prop::collection::btree_map((0..NODES).prop_map(NodeId), number(120), 0..4);
    (terms, prop_oneof![Just(Int::ZERO), number(180)])
        .prop_map(|(terms, constant)| Linear { terms: terms.into_iter().collect(), constant })
}

fn form() -> impl Strategy<Value = Form> {
    let hinges = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(linear(true), 1..3)];
    let slack = (
        prop::collection::btree_map((0..NODES).prop_map(NodeId), whole(40).prop_map(Int::from), 0..3),
        whole(60),
    );
    (linear(true), linear(true), hinges, slack, 1_u64..1_000_000, linear(false), linear(false)).prop_map(
        |(backing, requirement, hinges, slack, scale, collateral, debt)| {
            let (terms, constant) = slack;
            let slack = Linear { terms: terms.into_iter().collect(), constant: constant.into() };
            let valid = Valid { boxes: Vec::new(), epoch: EPOCH };
            Form { backing, requirement, hinges, slack, scale: U256::from(scale), collateral, debt, valid }
        },
    )
}

fn compiled() -> impl Strategy<Value = Compiled> {
    prop_oneof![
        1 => Just(Compiled::NoDebt),
        1 => Just(Compiled::Opaque),
        12 => prop::collection::vec(form(), 1..2).prop_map(Compiled::Rows),
        3 => prop::collection::vec(form(), 2..4).prop_map(Compiled::Rows),
    ]
}

type World5 = Vec<Result<Node, Why>>;

fn world() -> impl Strategy<Value = World5> {
    let node = prop_oneof![
        20 => whole(100).prop_map(|x| Ok(Node::exact(x.into()))),
        3 => (whole(100), whole(30)).prop_map(|(x, error)| Ok(Node { mantissa: x.into(), error })),
        1 => Just(Err(Why::Missing)),
        1 => whole(90).prop_map(|x| Ok(Node::exact(Int::from(x).neg()))),
    ];
    prop::collection::vec(node, NODES as usize)
}

/// The same account many times over, a little different each time: as a panel has them.
fn book() -> impl Strategy<Value = Vec<Compiled>> {
    let alike = (compiled(), prop::collection::vec(1_u64..1 << 40, 1..20));
    prop::collection::vec(alike, 1..4).prop_map(|kinds| {
        kinds
            .into_iter()
            .flat_map(|(kind, factors)| factors.into_iter().map(move |factor| scaled(&kind, factor)))
            .collect()
    })
}

fn scaled(compiled: &Compiled, factor: u64) -> Compiled {
    let Compiled::Rows(rows) = compiled else { return compiled.clone() };
    let times = |part: &Linear| Linear {
        terms: part
            .terms
            .iter()
            .map(|&(node, c)| (node, c.mul(Int::from(factor)).expect("256 bits")))
            .collect(),
        constant: part.constant.mul(Int::from(factor)).expect("256 bits"),
    };
    Compiled::Rows(rows.iter().map(|form| Form { backing: times(&form.backing), ..form.clone() }).collect())
}

/// Rows at which the two sides nearly meet: the requirement of each is set so that the row is about zero in the world.
fn at_the_line(mut book: Vec<Compiled>, world: &World5) -> Vec<Compiled> {
    let nodes = Nodes { values: world };
    for (place, compiled) in book.iter_mut().enumerate() {
        let Compiled::Rows(rows) = compiled else { continue };
        for form in rows {
            let off = form.row(&nodes).ok().and_then(|row| row.to_int());
            let nudge = Int::new(place as i128 - 2);
            if let Some(constant) = off.and_then(|off| form.requirement.constant.add(off)?.add(nudge)) {
                form.requirement.constant = constant;
            }
        }
    }
    book
}

fn pack(book: &[Compiled], near: &World5) -> (Packed, Layout) {
    pack_in(book, near, QUANTA)
}

fn pack_in(book: &[Compiled], near: &World5, quanta: f64) -> (Packed, Layout) {
    let layout = Layout::new([NODES as usize]).expect("few");
    let rows = MarketRows { market: 0, base: 1, epoch: EPOCH, quanta };
    let mut packing = Packing::default();
    for compiled in book {
        packing.push(compiled, &rows).expect("few");
    }
    (packing.finish(&World::new(&layout, [&near[..]])), layout)
}

/// Without terms that are nothing whatever their node is: an unknown node beside such a term hides nothing.
fn bare(compiled: &Compiled) -> Compiled {
    let Compiled::Rows(rows) = compiled else { return compiled.clone() };
    let mut rows = rows.clone();
    for form in &mut rows {
        let parts = [&mut form.backing, &mut form.requirement, &mut form.slack];
        for part in parts.into_iter().chain(&mut form.hinges) {
            part.terms.retain(|(_, coefficient)| !coefficient.is_zero());
        }
    }
    Compiled::Rows(rows)
}

/// What no float may contradict.
fn agrees(book: &[Compiled], world: &World5, screened: &Screened) -> Result<(), TestCaseError> {
    let (below, undecided): (BTreeSet<u32>, BTreeSet<u32>) =
        (screened.below.iter().copied().collect(), screened.undecided.iter().copied().collect());
    prop_assert_eq!(below.len() + undecided.len(), screened.below.len() + screened.undecided.len());
    prop_assert!(below.is_disjoint(&undecided));
    let nodes = Nodes { values: world };
    for (account, compiled) in (0..).zip(book) {
        if !below.contains(&account) && !undecided.contains(&account) {
            prop_assert_eq!(
                screen(&bare(compiled), &nodes, EPOCH),
                Screen::Clear,
                "account {} was let go",
                account
            );
        }
        if below.contains(&account) {
            let Compiled::Rows(rows) = bare(compiled) else { panic!("{account} has no row") };
            let sunk = rows.iter().any(|form| {
                let (row, slack) = (form.row(&nodes).expect("known"), form.slack(&nodes).expect("known"));
                row.add(slack).expect("512 bits").is_negative()
            });
            prop_assert!(sunk, "account {} is not surely below", account);
        }
    }
    Ok(())
}

/// How many are below zero in each scenario, by exact rows where the sweep left it open.
fn decided(book: &[Compiled], scenarios: &[World5], swept: &Swept) -> Vec<u64> {
    let mut counts = swept.markets.first().map_or(vec![0; scenarios.len()], |tally| tally.below.clone());
    for &(scenario, account) in &swept.undecided {
        let Compiled::Rows(rows) = bare(&book[account as usize]) else { continue };
        let nodes = Nodes { values: &scenarios[scenario as usize] };
        let below = rows.iter().map(|form| form.row(&nodes)).collect::<Result<Vec<_>, _>>();
        counts[scenario as usize] +=
            u64::from(below.is_ok_and(|rows| rows.iter().any(|row| row.is_negative())));
    }
    counts
}

fn paths() -> impl Iterator<Item = Path> {
    Path::ALL.into_iter().filter(|path| path.available())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Law 1, of the packed rows: who is not a candidate is surely not unhealthy; and who is said to be surely below is.
    #[test]
    fn law_1_the_packed_screen_never_misses(book in book(), near in world(), there in world()) {
        let (packed, layout) = pack(&book, &near);
        for values in [&near, &there] {
            agrees(&book, values, &packed.screen(&World::new(&layout, [&values[..]]), Path::best()))?;
        }
    }

    /// The same where every row is within a few units of its line.
    #[test]
    fn law_1_holds_at_the_line(book in book(), there in world()) {
        let book = at_the_line(book, &there);
        let (packed, layout) = pack(&book, &there);
        agrees(&book, &there, &packed.screen(&World::new(&layout, [&there[..]]), Path::best()))?;
    }

    /// And of accounts with one holding and one debt, which are looked up in their order: each is within a few units of its line.
    #[test]
    fn law_1_holds_at_the_line_of_pairs(
        sizes in prop::collection::vec((whole(70), -3_i128..4), 1..40),
        nodes in (whole(60), whole(60)),
        slack in 0_i128..4,
        others in prop::collection::vec(world(), 1..4),
    ) {
        let one = U256::new(1);
        let (v, w) = (nodes.0.add(one).expect("256 bits"), nodes.1.add(one).expect("256 bits"));
        let pair = |&(size, nudge): &(U256, i128)| {
            let size = size.add(one).expect("256 bits");
            let term = |node, c: Int| Linear { terms: vec![(NodeId(node), c)], constant: Int::ZERO };
            let debt = Int::from(size.mul(v).expect("256 bits")).add(Int::new(nudge)).expect("256 bits");
            let debt = if debt.is_negative() { Int::ONE } else { debt };
            Compiled::Rows(vec![Form {
                backing: term(0, size.mul(w).expect("256 bits").into()),
                requirement: term(1, debt),
                slack: Linear { terms: Vec::new(), constant: Int::new(slack) },
                scale: one,
                valid: Valid { boxes: Vec::new(), epoch: EPOCH },
                ..Form::default()
            }])
        };
        let book: Vec<Compiled> = sizes.iter().map(pair).collect();
        let mut there: World5 = vec![Ok(Node::exact(Int::ONE)); NODES as usize];
        (there[0], there[1]) = (Ok(Node::exact(v.into())), Ok(Node::exact(w.into())));
        let (packed, layout) = pack(&book, &there);
        for values in std::iter::once(&there).chain(&others) {
            let world = World::new(&layout, [&values[..]]);
            agrees(&book, values, &packed.screen(&world, Path::best()))?;
        }
        let worlds: Vec<World> = [&there, &there].map(|values| World::new(&layout, [&values[..]])).to_vec();
        let plan = Plan { money: false, prune: true, pairs: true, path: Path::best() };
        let swept = packed.sweep(&Worlds::new(&worlds, &packed), plan, &Threads::one());
        let exact = book.iter().filter(|row| matches!(row, Compiled::Rows(rows) if rows[0].row(&Nodes { values: &there }).expect("known").is_negative()));
        let exact = exact.count() as u64;
        prop_assert_eq!(decided(&book, &[there.clone(), there.clone()], &swept), [exact, exact]);
    }

    /// Law 3: the answer does not depend on the path, nor on judging tiles first, and a sweep is the screen, many times.
    #[test]
    fn law_3_every_path_gives_the_same_bits(book in book(), near in world(), scenarios in prop::collection::vec(world(), 1..150)) {
        let (packed, layout) = pack(&book, &near);
        let worlds: Vec<World> = scenarios.iter().map(|values| World::new(&layout, [&values[..]])).collect();
        let laid = Worlds::new(&worlds, &packed);
        let plan = |path, money, prune, pairs| Plan { money, prune, pairs, path };
        let (one, two) = (Threads::one(), Threads::new(2).expect("threads"));
        let three = Threads::new(3).expect("threads");
        let first = packed.sweep(&laid, plan(Path::Portable, true, true, false), &one);
        let exact = decided(&book, &scenarios, &first);
        for path in paths() {
            for world in &worlds {
                prop_assert_eq!(packed.screen(world, path), packed.screen(world, Path::Portable));
            }
            for prune in [true, false] {
                prop_assert_eq!(&packed.sweep(&laid, plan(path, true, prune, false), &two), &first);
                let counted = packed.sweep(&laid, plan(path, false, prune, false), &one);
                prop_assert_eq!(&counted.undecided, &first.undecided);
                for (counted, first) in counted.markets.iter().zip(&first.markets) {
                    prop_assert_eq!(&counted.below, &first.below);
                }
            }
            // The order of pairs leaves others undecided; when they are decided, it comes to the same.
            let ordered = packed.sweep(&laid, plan(path, false, true, true), &two);
            prop_assert_eq!(&decided(&book, &scenarios, &ordered), &exact);
            prop_assert_eq!(&ordered, &packed.sweep(&laid, plan(Path::Portable, false, true, true), &three));
        }
        // A tile's bound is above that of each of its scenarios: a sweep decides no more than the screen does.
        for (scenario, world) in worlds.iter().enumerate() {
            let alone = packed.screen(world, Path::Portable);
            let undecided: BTreeSet<u32> = first.undecided.iter().filter(|(s, _)| *s == scenario as u32).map(|(_, a)| *a)
                .chain(first.opaque.iter().copied()).collect();
            prop_assert!(alone.undecided.iter().all(|account| undecided.contains(account)));
            let below = alone.below.iter().filter(|account| !undecided.contains(account)).count() as u64;
            prop_assert_eq!(first.markets.first().map_or(0, |tally| tally.below[scenario]), below);
        }
    }
}

/// A book of like accounts and worlds that move no node by more than a half, as books and stress tests are: here singles tell nearly
/// everybody. Some accounts are within a few units of their line in the last world.
fn tame() -> impl Strategy<Value = (Vec<Compiled>, World5, Vec<World5>)> {
    let coefficient = || prop_oneof![8 => 1_u64 << 30..1 << 40, 1 => 1_u64..1 << 10];
    let kind = prop::collection::vec((0..NODES, any::<bool>(), coefficient()), 1..8);
    let kinds = prop::collection::vec((kind, prop::collection::vec(coefficient(), 1..30), 0_u64..4), 1..4);
    let near = prop::collection::vec(1_u64 << 35..1 << 40, NODES as usize);
    let moves = prop::collection::vec(prop::collection::vec(500_u64..1500, NODES as usize), 1..150);
    (kinds, near, moves, any::<bool>()).prop_map(|(kinds, near, moves, line)| {
        let exact = |x: u64| Ok(Node::exact(Int::from(x)));
        let moved = |by: &Vec<u64>| near.iter().zip(by).map(|(x, by)| exact(x / 1000 * by)).collect();
        let worlds: Vec<World5> = moves.iter().map(moved).collect();
        let part = |kind: &[(u32, bool, u64)], side, factor: u64| {
            let mut part = Linear::default();
            for (node, _, c) in kind.iter().filter(|(_, owed, _)| *owed == side) {
                part = part.plus(NodeId(*node), Int::from(c / 7 * (factor % 97 + 3))).expect("256 bits");
            }
            part
        };
        let form = |kind: &[(u32, bool, u64)], factor: u64, slack: u64| Form {
            backing: part(kind, false, factor),
            requirement: part(kind, true, factor / 97),
            slack: Linear { terms: vec![(NodeId(0), Int::from(slack / 2))], constant: Int::from(slack) },
            scale: U256::ONE,
            collateral: part(kind, false, factor),
            debt: part(kind, true, factor / 97),
            valid: Valid { boxes: Vec::new(), epoch: EPOCH },
            ..Form::default()
        };
        let all = kinds
            .iter()
            .flat_map(|(kind, factors, slack)| factors.iter().map(|&factor| form(kind, factor, *slack)));
        let book: Vec<Compiled> = all.map(|form| Compiled::Rows(vec![form])).collect();
        let book = if line { at_the_line(book, &worlds[worlds.len() - 1]) } else { book };
        (book, near.iter().map(|&x| exact(x)).collect(), worlds)
    })
}

/// Anything at all.
fn wild() -> impl Strategy<Value = (Vec<Compiled>, World5, Vec<World5>)> {
    (book(), world(), prop::collection::vec(world(), 1..20))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Law 3 again, where singles tell nearly everybody: screens and sweeps are to the bit those of the portable path, which has none.
    #[test]
    fn law_3_singles_change_no_answer(
        (book, near, scenarios) in tame(),
        // The greatest rows are money that surely fits the sums, that may, and that does not.
        quanta in prop_oneof![Just(1e-16), Just(1e-10), Just(1e-8)],
    ) {
        let (packed, layout) = pack_in(&book, &near, quanta);
        let worlds: Vec<World> = scenarios.iter().map(|values| World::new(&layout, [&values[..]])).collect();
        let laid = Worlds::new(&worlds, &packed);
        for (world, values) in worlds.iter().zip(&scenarios) {
            let screened = packed.screen(world, Path::Portable);
            agrees(&book, values, &screened)?;
            for path in paths() {
                prop_assert_eq!(&packed.screen(world, path), &screened);
            }
        }
        for money in [false, true] {
            let plan = |path, prune| Plan { money, prune, pairs: false, path };
            let first = packed.sweep(&laid, plan(Path::Portable, false), &Threads::one());
            for (path, prune) in paths().flat_map(|path| [(path, false), (path, true)]) {
                prop_assert_eq!(&packed.sweep(&laid, plan(path, prune), &Threads::one()), &first);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// A book whose accounts changed, some of them into others and some into more or less of themselves, is screened and swept as the
    /// book that they are now.
    #[test]
    fn an_updated_book_is_the_book_that_it_became(
        ((old, near, mut scenarios), (new, _, _)) in prop_oneof![(tame(), tame()), (wild(), wild())],
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u64..1 << 30), 1..40),
    ) {
        scenarios.truncate(20);
        let (mut packed, layout) = pack(&old, &near);
        let mut book = old.clone();
        for (account, other, factor) in &changes {
            let account = account.index(book.len());
            let changed = match factor {
                factor if factor % 2 == 0 => new[other.index(new.len())].clone(),
                factor => scaled(&old[account], *factor % 1000 + 1),
            };
            book[account] = changed;
            let rows = MarketRows { market: 0, base: 1, epoch: EPOCH, quanta: QUANTA };
            packed.update(account as u32, &book[account], &rows).expect("known");
        }
        prop_assert!(packed.update(book.len() as u32, &book[0], &MarketRows::screened(0, 1, EPOCH)).is_none());
        let worlds: Vec<World> = scenarios.iter().map(|values| World::new(&layout, [&values[..]])).collect();
        for (world, values) in worlds.iter().zip(&scenarios) {
            let screened = packed.screen(world, Path::best());
            agrees(&book, values, &screened)?;
            prop_assert_eq!(&screened, &packed.screen(world, Path::Portable));
        }
        let (fresh, _) = pack(&book, &near);
        let plan = |path, pairs| Plan { money: false, prune: true, pairs, path };
        let exact = decided(&book, &scenarios, &fresh.sweep(&Worlds::new(&worlds, &fresh), plan(Path::Portable, false), &Threads::one()));
        for pairs in [false, true] {
            let swept = packed.sweep(&Worlds::new(&worlds, &packed), plan(Path::best(), pairs), &Threads::one());
            prop_assert_eq!(&decided(&book, &scenarios, &swept), &exact);
        }
    }
}

/// A part of the first row at full value (quanta), by way of its decimal digits; unknown nodes count as nothing.
fn money(part: &Linear, form: &Form, world: &World5) -> f64 {
    let known: World5 = world
        .iter()
        .map(|node| match node {
            Ok(node) if !node.mantissa.is_negative() => Ok(*node),
            _ => Ok(Node::exact(Int::ZERO)),
        })
        .collect();
    let exact = part.at(&Nodes { values: &known }).expect("512 bits").to_string();
    exact.parse::<f64>().expect("digits") / form.scale.to_string().parse::<f64>().expect("digits") * QUANTA
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Sums of money are those of the accounts below the line, each rounded to a quantum.
    #[test]
    fn money_is_the_accounts_each_rounded_once(book in book(), near in world(), scenarios in prop::collection::vec(world(), 1..4)) {
        let (packed, layout) = pack(&book, &near);
        let worlds: Vec<World> = scenarios.iter().map(|values| World::new(&layout, [&values[..]])).collect();
        for (world, values) in worlds.iter().zip(&scenarios) {
            let laid = Worlds::new(std::slice::from_ref(world), &packed);
            let swept = packed.sweep(&laid, Plan { money: true, prune: true, pairs: false, path: Path::best() }, &Threads::one());
            let Some(tally) = swept.markets.first() else { continue };
            let (mut sums, mut size) = ([0.0; 3], 1.0);
            let undecided: BTreeSet<u32> = swept.undecided.iter().map(|(_, account)| *account).collect();
            for account in packed.screen(world, Path::Portable).below.iter().filter(|account| !undecided.contains(account)) {
                let Compiled::Rows(rows) = &book[*account as usize] else { continue };
                let [collateral, debt] = [&rows[0].collateral, &rows[0].debt].map(|part| money(part, &rows[0], values));
                let each = [collateral, debt, (debt - collateral).max(0.0)];
                for (sum, each) in sums.iter_mut().zip(each) {
                    *sum += each;
                }
                size += 1.0 + (collateral + debt) * 1e-12;
            }
            let Money { collateral, debt, uncovered, .. } = tally.money[0];
            for (found, expected) in [collateral, debt, uncovered].into_iter().zip(sums) {
                prop_assert!((found as f64 - expected).abs() <= size, "{} for {}", found, expected);
            }
        }
    }
}

fn at(node: u32, coefficient: u64) -> Linear {
    Linear { terms: vec![(NodeId(node), Int::from(coefficient))], constant: Int::ZERO }
}

fn swept_on_every_path(form: &Form, quanta: f64) -> Vec<Swept> {
    let layout = Layout::new([NODES as usize]).expect("few");
    let values: World5 = vec![Ok(Node::exact(Int::from(1_u64 << 40))); NODES as usize];
    let world = World::new(&layout, [&values[..]]);
    let mut packing = Packing::default();
    let rows = MarketRows { market: 0, base: 1, epoch: EPOCH, quanta };
    packing.push(&Compiled::Rows(vec![form.clone()]), &rows).expect("few");
    let packed = packing.finish(&world);
    let laid = Worlds::new(std::slice::from_ref(&world), &packed);
    let plan = |path| Plan { money: true, prune: true, pairs: false, path };
    paths().map(|path| packed.sweep(&laid, plan(path), &Threads::one())).collect()
}

/// Collateral that backs nothing is money all the same: what the sums cannot hold is left to integers.
#[test]
fn money_beyond_the_sums_is_left_to_integers() {
    let valid = Valid { boxes: Vec::new(), epoch: EPOCH };
    let owes = Form { requirement: at(0, 1), debt: at(0, 1), scale: U256::ONE, valid, ..Form::default() };
    for swept in swept_on_every_path(&owes, 1.0) {
        assert!(swept.undecided.is_empty());
        assert_eq!((swept.markets[0].below[0], swept.markets[0].money[0].debt), (1, 1 << 40));
    }
    let rich = Form { collateral: at(1, 1 << 40), ..owes };
    for swept in swept_on_every_path(&rich, 1.0) {
        assert_eq!(swept.undecided, [(0, 0)]);
        assert_eq!((swept.markets[0].below[0], swept.markets[0].money[0]), (0, Money::default()));
    }
}

/// A scale of money that no float can be counted in proves nothing.
#[test]
fn quanta_out_of_range_make_candidates() {
    let valid = Valid { boxes: Vec::new(), epoch: EPOCH };
    let sunk = Form { requirement: at(0, 1), scale: U256::ONE, valid, ..Form::default() };
    for quanta in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300, 1e300] {
        for swept in swept_on_every_path(&sunk, quanta) {
            assert_eq!((swept.opaque.as_slice(), swept.markets.len()), (&[0_u32][..], 0), "{quanta}");
        }
    }
}

/// A path that this processor does not have is told, and not passed.
#[test]
fn every_path_was_run_or_is_named() {
    for path in Path::ALL {
        if !path.available() {
            eprintln!("not run: {}", path.name());
        }
    }
    assert!(Path::best().available());
}
