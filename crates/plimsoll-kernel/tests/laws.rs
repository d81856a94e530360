//! What the kernel says of packed rows, beside the definition in exact integers ([`plimsoll_core::screen`]).

#![allow(clippy::expect_used, clippy::panic)] // a test that cannot make its book has failed

use plimsoll_core::{Compiled, Form, Int, Linear, Node, NodeId, Nodes, Screen, U256, Valid, Why, screen};
use plimsoll_kernel::{Layout, MarketRows, Packed, Packing, Path, Plan, Screened, World, Worlds};
use proptest::prelude::*;
use std::collections::BTreeSet;

const NODES: u32 = 5;
const EPOCH: u64 = 3;

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
    (linear(true), linear(true), hinges, slack, 1_u64..1_000_000).prop_map(
        |(backing, requirement, hinges, slack, scale)| {
            let (terms, constant) = slack;
            let slack = Linear { terms: terms.into_iter().collect(), constant: constant.into() };
            let valid = Valid { boxes: Vec::new(), epoch: EPOCH };
            Form { backing, requirement, hinges, slack, scale: U256::from(scale), valid }
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
    let layout = Layout::new([NODES as usize]).expect("few");
    let rows = MarketRows { market: 0, base: 1, epoch: EPOCH, quanta: 1e-40 };
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

    /// Law 3: the answer does not depend on the path, nor on judging tiles first, and a sweep is the screen, many times.
    #[test]
    fn law_3_every_path_gives_the_same_bits(book in book(), near in world(), scenarios in prop::collection::vec(world(), 1..150)) {
        let (packed, layout) = pack(&book, &near);
        let worlds: Vec<World> = scenarios.iter().map(|values| World::new(&layout, [&values[..]])).collect();
        let laid = Worlds::new(&worlds, &packed);
        let plan = |path, money, prune| Plan { money, prune, path };
        let first = packed.sweep(&laid, plan(Path::Portable, true, true));
        for path in paths() {
            for world in &worlds {
                prop_assert_eq!(packed.screen(world, path), packed.screen(world, Path::Portable));
            }
            for prune in [true, false] {
                prop_assert_eq!(&packed.sweep(&laid, plan(path, true, prune)), &first);
                let counted = packed.sweep(&laid, plan(path, false, prune));
                prop_assert_eq!(&counted.undecided, &first.undecided);
                for (counted, first) in counted.markets.iter().zip(&first.markets) {
                    prop_assert_eq!(&counted.below, &first.below);
                }
            }
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
