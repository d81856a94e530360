//! First passage of packed books beside a plain double loop in exact integers.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // a test that cannot make its book has failed

use plimsoll_core::{Compiled, Form, Int, Linear, Node, NodeId, Nodes, U256, Valid, Why};
use plimsoll_kernel::{
    Across, Course, Layout, Loss, MarketRows, PATHS, Packed, Packing, Passed, Path, Threads, Walks, World,
    philox,
};

/// Nodes of the two markets.
const NODES: [usize; 2] = [4, 3];
const EPOCH: u64 = 3;
const BEGIN: i64 = 1 << 30;
const PATHS_IN_ALL: u64 = 150;
const HORIZONS: [u32; 3] = [2, 5, 12];

/// A whole number below `end`, of a place.
fn drawn(place: [u32; 4], end: u64) -> u64 {
    let [low, high, ..] = philox(place, [6, 0]);
    (u64::from(low) | u64::from(high) << 32) % end
}

/// Walks in even whole numbers: what floats make of them is exact.
struct Steps {
    /// The node that is unknown at this look, on one path.
    unknown: Option<(u64, u32, usize)>,
    /// Market 1 counts in halves of a quantum.
    halves: bool,
}

impl Steps {
    fn value(&self, path: u64, look: u32, node: usize) -> i64 {
        let size = if node == 2 { 1 << 10 } else { 1 << 25 };
        let step = |look: u32| drawn([look, node as u32, path as u32, 0], 2 * size) as i64 - size as i64;
        BEGIN + (0..=look).map(|look| 2 * step(look)).sum::<i64>()
    }
}

impl Walks for Steps {
    type Walk = u64;

    fn begin(&self, first: u64) -> u64 {
        first
    }

    fn look(&self, first: &mut u64, look: u32, nodes: &mut [Across]) {
        for (node, across) in nodes.iter_mut().enumerate().skip(1) {
            for (path, value) in (*first..).zip(across.flat_mut()) {
                let unknown = self.unknown == Some((path, look, node));
                *value = if unknown { f64::NAN } else { self.value(path, look, node) as f64 };
            }
        }
    }

    fn unit(&self, _: &u64, market: u32) -> Option<Across> {
        (self.halves && market == 1).then(|| Across::splat(0.5))
    }
}

fn linear(terms: &[(u32, i64)], constant: i64) -> Linear {
    let terms = terms.iter().map(|&(node, c)| (NodeId(node), Int::new(c.into())));
    Linear { terms: terms.collect(), constant: Int::new(constant.into()) }
}

/// Holdings and debts of any width, some with a second row or a hinge; an odd constant keeps every row from zero.
fn account(number: u32, market: usize, slack: i64) -> Compiled {
    let draw = |what: u32, end: u64| drawn([number, what, 0, 1], end);
    let size = 1 + draw(0, 500) as i64;
    let count = NODES[market] as u32;
    let held: Vec<(u32, i64)> = (0..1 + draw(1, 2) as u32).map(|i| (i, 2 * size)).collect();
    let owed = count - 1;
    // From below the line at once to far above it.
    let debt = (held.len() as i64 * 2 * size * (10 + draw(2, 32) as i64)) / 40;
    let form = Form {
        backing: linear(&held, 1),
        requirement: linear(&[(owed, debt.max(1))], 0),
        slack: linear(&[], slack),
        scale: U256::ONE,
        collateral: linear(&held, 0),
        debt: linear(&[(owed, debt.max(1))], 0),
        valid: Valid { boxes: Vec::new(), epoch: EPOCH },
        ..Form::default()
    };
    let mut rows = vec![form.clone()];
    match number % 5 {
        0 => rows.push(Form { requirement: linear(&[(0, size)], 0), ..form }),
        1 => rows[0].hinges.push(linear(&[(0, size), (owed, -size / 2)], 0)),
        _ => {}
    }
    if number % 41 == 7 { Compiled::Opaque } else { Compiled::Rows(rows) }
}

struct Book {
    accounts: Vec<(usize, Compiled)>,
    packed: Packed,
    layout: Layout,
}

fn book(accounts: u32, slack: i64) -> Book {
    let accounts: Vec<(usize, Compiled)> = (0..accounts)
        .map(|number| {
            let market = drawn([number, 9, 0, 1], 2) as usize;
            (market, account(number, market, slack))
        })
        .collect();
    let layout = Layout::new(NODES).expect("few");
    let mut packing = Packing::default();
    for (market, compiled) in &accounts {
        let base = layout.base(*market).expect("known");
        let rows = MarketRows { market: *market as u32, base, epoch: EPOCH, quanta: 1.0 };
        packing.push(compiled, &rows).expect("few");
    }
    let now = NODES.map(|count| vec![Ok(Node::exact(Int::new(BEGIN.into()))); count]);
    let packed = packing.finish(&World::new(&layout, now.iter().map(Vec::as_slice)));
    Book { accounts, packed, layout }
}

fn course(prune: bool, path: Path) -> Course {
    Course { paths: PATHS_IN_ALL, horizons: HORIZONS.to_vec(), money: true, prune, path }
}

fn passed(book: &Book, walks: &Steps, course: &Course, threads: usize) -> Passed {
    let threads = Threads::new(threads).expect("threads");
    book.packed.passage(walks, course, &threads).expect("a course")
}

/// A market's nodes at a look, exact.
fn nodes(book: &Book, walks: &Steps, market: usize, path: u64, look: u32) -> Vec<Result<Node, Why>> {
    let base = book.layout.base(market).expect("known") as usize;
    let node = |node| {
        if walks.unknown == Some((path, look, node)) {
            return Err(Why::Missing);
        }
        Ok(Node::exact(Int::new(walks.value(path, look, node).into())))
    };
    (base..base + NODES[market]).map(node).collect()
}

fn number(part: &Linear, nodes: &[Result<Node, Why>]) -> i128 {
    let exact = part.at(&Nodes { values: nodes }).expect("known");
    exact.to_string().parse().expect("a number")
}

/// Every account on every path at every look, in integers: when its row is first below zero, and what it is worth there.
fn by_hand(book: &Book, walks: &Steps) -> Passed {
    let horizons = HORIZONS.len();
    let mut found = Passed {
        below: vec![0; book.accounts.len() * horizons],
        losses: vec![Loss::default(); PATHS_IN_ALL as usize * horizons],
        ..Passed::default()
    };
    for (account, (market, compiled)) in book.accounts.iter().enumerate() {
        let Compiled::Rows(rows) = compiled else { continue };
        for path in 0..PATHS_IN_ALL {
            for look in 0..HORIZONS[horizons - 1] {
                let values = nodes(book, walks, *market, path, look);
                let sunk = |form: &Form| form.row(&Nodes { values: &values }).expect("known").is_negative();
                if !rows.iter().any(sunk) {
                    continue;
                }
                let [collateral, debt] =
                    [&rows[0].collateral, &rows[0].debt].map(|part| number(part, &values));
                for (at, _) in HORIZONS.iter().enumerate().filter(|(_, horizon)| look < **horizon) {
                    found.below[account * horizons + at] += 1;
                    let loss = &mut found.losses[path as usize * horizons + at];
                    loss.collateral += collateral;
                    loss.debt += debt;
                    loss.uncovered += (debt - collateral).max(0);
                }
                break;
            }
        }
    }
    found
}

/// Without a slack nothing is in doubt, and all is as it is in integers: on every SIMD path, with tiles judged first and without, on
/// one, two and three threads.
#[test]
fn passages_are_those_of_a_plain_loop_in_integers() {
    let (book, walks) = (book(200, 0), Steps { unknown: None, halves: false });
    let expected = by_hand(&book, &walks);
    let crossed: u64 = expected.below.iter().sum();
    assert!(crossed > 10_000 && crossed < 80_000, "{crossed} is no test");
    for path in Path::ALL.into_iter().filter(|path| path.available()) {
        for prune in [false, true] {
            for threads in [1, 2, 3] {
                let found = passed(&book, &walks, &course(prune, path), threads);
                let case = format!("{} {prune} {threads}", path.name());
                assert!(found.below == expected.below, "{case}");
                assert!(found.losses == expected.losses, "{case}");
                assert!(found.undecided.iter().all(|count| *count == 0), "{case}");
                assert_eq!((found.unsummed, found.opaque.len()), (0, 5), "{case}");
            }
        }
    }
}

/// With a slack some may have crossed: the integers' count is between those that surely have and those that may.
#[test]
fn within_the_slack_a_passage_is_in_doubt() {
    let (book, walks) = (book(200, 1 << 31), Steps { unknown: None, halves: false });
    let exact = by_hand(&book, &walks);
    let found = passed(&book, &walks, &course(true, Path::best()), 1);
    assert_eq!(found, passed(&book, &walks, &course(false, Path::Portable), 2));
    let mut doubts = 0;
    for ((surely, doubt), exact) in found.below.iter().zip(&found.undecided).zip(&exact.below) {
        assert!(surely <= exact && *exact <= surely + doubt, "{surely} {doubt} {exact}");
        doubts += doubt;
    }
    assert!(doubts > 100, "{doubts}");
}

/// Where a node is unknown, nobody who needs it is said to be safe.
#[test]
fn what_is_unknown_is_in_doubt() {
    let walks = Steps { unknown: Some((70, 3, 4)), halves: false };
    let (book, clear) = (book(200, 0), Steps { unknown: None, halves: false });
    let found = passed(&book, &walks, &course(true, Path::best()), 1);
    assert_eq!(found, passed(&book, &walks, &course(false, Path::Portable), 3));
    let known = by_hand(&book, &clear);
    for (account, (market, compiled)) in book.accounts.iter().enumerate() {
        let row = account * HORIZONS.len()..(account + 1) * HORIZONS.len();
        if *market == 1 || !matches!(compiled, Compiled::Rows(_)) {
            assert_eq!(found.below[row.clone()], known.below[row.clone()]);
            assert!(found.undecided[row].iter().all(|count| *count == 0));
            continue;
        }
        // Whoever has not crossed before on the paths of that tile may have then.
        assert_eq!(found.undecided[row.start], 0);
        for at in row.start + 1..row.end {
            assert!(found.below[at] + found.undecided[at] >= known.below[at]);
        }
        let crossed_before = |path| crossed_by(&book, &clear, account, path, 3);
        let open = (PATHS as u64..2 * PATHS as u64).filter(|path| !crossed_before(*path)).count() as u64;
        assert!(found.undecided[row.start + 1] <= open);
        if open == PATHS as u64 && known.below[row.end - 1] == 0 {
            assert_eq!(found.undecided[row], [0, open, open]);
        }
    }
}

fn crossed_by(book: &Book, walks: &Steps, account: usize, path: u64, looks: u32) -> bool {
    let (market, compiled) = &book.accounts[account];
    let Compiled::Rows(rows) = compiled else { return false };
    (0..looks).any(|look| {
        let values = nodes(book, walks, *market, path, look);
        rows.iter().any(|form| form.row(&Nodes { values: &values }).expect("known").is_negative())
    })
}

/// Money of a market is turned into that of all before it is rounded; and what does not fit is told and in no sum.
#[test]
fn money_is_turned_and_rounded_once() {
    let walks = |halves| Steps { unknown: None, halves };
    let one = |scale: i64, halves: bool| {
        let layout = Layout::new(NODES).expect("few");
        let base = layout.base(1).expect("known");
        let sunk = Form {
            requirement: linear(&[(0, 1)], 0),
            collateral: linear(&[(0, 3 * scale)], 0),
            debt: linear(&[(0, scale)], 1),
            scale: U256::ONE,
            valid: Valid { boxes: Vec::new(), epoch: EPOCH },
            ..Form::default()
        };
        let mut packing = Packing::default();
        let rows = MarketRows { market: 1, base, epoch: EPOCH, quanta: 1.0 };
        packing.push(&Compiled::Rows(vec![sunk]), &rows).expect("few");
        let now = NODES.map(|count| vec![Ok(Node::exact(Int::new(BEGIN.into()))); count]);
        let packed = packing.finish(&World::new(&layout, now.iter().map(Vec::as_slice)));
        packed.passage(&walks(halves), &course(true, Path::best()), &Threads::one()).expect("a course")
    };
    let base = 5;
    let value = |path: u64| i128::from(walks(false).value(path, 0, base));
    for (path, loss) in one(1, true).losses.chunks(HORIZONS.len()).enumerate() {
        let value = value(path as u64);
        // Half of an odd number ends on a half, and goes to the even side.
        let debt = (value + 1) / 2 + i128::from((value + 1) % 4 == 3);
        let expected = Loss { collateral: 3 * value / 2, debt, uncovered: 0 };
        assert_eq!(loss, [expected; 3], "{value}");
    }
    let much = one(1 << 40, false);
    assert_eq!((much.unsummed, much.losses[0]), (PATHS_IN_ALL, Loss::default()));
    assert_eq!(much.below, [PATHS_IN_ALL; 3]);
}

#[test]
fn horizons_must_rise() {
    let book = book(3, 0);
    for horizons in [vec![], vec![0, 1], vec![3, 3], vec![3, 2]] {
        let course = Course { horizons, ..course(true, Path::best()) };
        assert!(
            book.packed.passage(&Steps { unknown: None, halves: false }, &course, &Threads::one()).is_none()
        );
    }
}
