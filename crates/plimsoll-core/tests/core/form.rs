//! Forms and the screen: the examples that the design began with, and what else can happen to a row.

use plimsoll_core::form::RowError;
use plimsoll_core::num::Wide;
use plimsoll_core::{Compiled, Form, Int, Linear, Node, NodeId, Nodes, Screen, U256, Valid, Why, screen};

fn known(values: &[i128]) -> Vec<Result<Node, Why>> {
    values.iter().map(|&value| Ok(Node::exact(Int::new(value)))).collect()
}

fn linear(terms: &[(u32, i128)], constant: i128) -> Linear {
    let terms = terms.iter().map(|&(node, coefficient)| (NodeId(node), Int::new(coefficient)));
    Linear { terms: terms.collect(), constant: Int::new(constant) }
}

fn screened(form: Form, nodes: &[Result<Node, Why>]) -> Screen {
    screen(&Compiled::Rows(vec![form]), &Nodes { values: nodes }, 0)
}

/// Aave up to 3.4 cuts the average threshold to whole basis points: a price that rises by its last digit turns
/// healthy into liquidatable. The slack grows with the price, so the screen asks at both prices.
#[test]
fn a_price_rise_that_crosses_is_kept() {
    let verdict = |price: i128| {
        let (a, b) = (200_000 * 100_000_000, 100_000 * price);
        let threshold = (a * 8250 + b * 7500) / (a + b);
        ((a + b) * threshold + 5000) / 10_000 >= 24_000_000_000_000
    };
    assert!(verdict(100_000_000) && !verdict(100_000_001));
    let form = Form {
        backing: linear(&[(0, 100 * 8250), (1, 100_000 * 7500)], 0),
        requirement: linear(&[], 24_000_000_000_000 * 10_000),
        slack: linear(&[(0, 100), (1, 100_000)], 5000),
        ..Form::default()
    };
    for price in [100_000_000, 100_000_001] {
        assert_eq!(screened(form.clone(), &known(&[2000 * 100_000_000, price])), Screen::Candidate);
    }
    assert_eq!(screened(form, &known(&[2001 * 100_000_000, 100_000_000])), Screen::Clear);
}

/// Liquity v2: each trove has its own rate, so interest is a coefficient on the clock; one row, no new one as time
/// passes. Nodes: price, seconds, redistributed debt, redistributed collateral x price.
#[test]
fn a_row_is_linear_in_the_clock() {
    let year = 31_536_000;
    let form = Form {
        backing: linear(&[(0, 10 * 100 * year), (3, 10 * 100 * year)], 0),
        requirement: linear(&[(1, 110 * 500), (2, 110 * 10 * year)], 110 * 10_000 * year),
        ..Form::default()
    };
    assert_eq!(screened(form.clone(), &known(&[1_101, 0, 0, 0])), Screen::Clear);
    assert_eq!(screened(form.clone(), &known(&[1_101, year, 0, 0])), Screen::Candidate);
    assert_eq!(screened(form, &known(&[1_100, 0, 0, 0])), Screen::Clear, "exactly on the line is healthy");
}

/// 0.9 x max(x, 0) + 1.1 x min(x, 0) is 0.9 x - 0.2 max(0, -x): one hinge, true on both sides of zero.
#[test]
fn a_netted_bucket_is_one_hinge() {
    let form = Form { backing: linear(&[(0, 9)], 0), hinges: vec![linear(&[(0, -2)], 0)], ..Form::default() };
    for (x, row) in [(10, 90), (0, 0), (-10, -110)] {
        let nodes = known(&[x]);
        assert_eq!(form.row(&Nodes { values: &nodes }), Ok(Wide::from(Int::new(row))));
    }
}

#[test]
fn the_worst_row_speaks() {
    let row = |constant| Form { backing: linear(&[(0, 1)], constant), ..Form::default() };
    let nodes = known(&[5]);
    let ask = |rows: Vec<Form>| screen(&Compiled::Rows(rows), &Nodes { values: &nodes }, 0);
    assert_eq!(ask(vec![row(0), row(-5)]), Screen::Clear);
    assert_eq!(ask(vec![row(-6), row(0)]), Screen::Candidate);
    assert_eq!(ask(vec![]), Screen::Clear);
    let old = Form { valid: Valid { epoch: 1, ..Valid::default() }, ..row(0) };
    assert_eq!(ask(vec![row(-6), old]), Screen::Recompile, "a row that is void says nothing of health");
    assert_eq!(screen(&Compiled::NoDebt, &Nodes { values: &[] }, 9), Screen::Clear);
    assert_eq!(screen(&Compiled::Opaque, &Nodes { values: &[] }, 9), Screen::Candidate);
}

#[test]
fn outside_its_box_a_form_is_void() {
    let boxed = |low, high| Form {
        backing: linear(&[(0, 1)], 0),
        valid: Valid { boxes: vec![(NodeId(0), Int::new(low), Int::new(high))], epoch: 0 },
        ..Form::default()
    };
    for (low, high, expected) in
        [(5, 5, Screen::Clear), (6, 9, Screen::Recompile), (1, 4, Screen::Recompile), (1, 9, Screen::Clear)]
    {
        assert_eq!(screened(boxed(low, high), &known(&[5])), expected, "{low}..{high}");
    }
    assert_eq!(screened(boxed(1, 9), &[Err(Why::Stale)]), Screen::Unknown(Why::Stale));
}

/// A node's own error widens the slack by |coefficient| x error, on whatever side the node stands.
#[test]
fn node_errors_widen_the_slack() {
    let nodes = [Ok(Node { mantissa: Int::new(100), error: U256::new(3) }), Ok(Node::exact(Int::ONE))];
    let nodes = Nodes { values: &nodes };
    let form = Form {
        backing: linear(&[(0, 2)], 0),
        requirement: linear(&[(0, 1)], 0),
        hinges: vec![linear(&[(0, -1)], 5)],
        slack: linear(&[(1, 7)], 1),
        ..Form::default()
    };
    assert_eq!(form.row(&nodes), Ok(Wide::from(Int::new(100))), "the hinge is below zero");
    assert_eq!(form.slack(&nodes), Ok(Wide::from(Int::new(8 + 3 * (2 + 1 + 1)))));
}

#[test]
fn what_is_unknown_or_does_not_fit_is_never_clear() {
    let form = Form { backing: linear(&[(3, 1)], 0), ..Form::default() };
    assert_eq!(screened(form.clone(), &known(&[5])), Screen::Unknown(Why::Missing));
    let unknown = [Ok(Node::exact(Int::ONE)), Err(Why::AtBound)];
    let slack = Form { slack: linear(&[(1, 0)], 0), ..Form::default() };
    assert_eq!(screened(slack, &unknown), Screen::Unknown(Why::AtBound));
    let most = Int::from(U256::MAX);
    let huge =
        |sign| Linear { terms: (0..3).map(|node| (NodeId(node), sign)).collect(), constant: Int::ZERO };
    let nodes = [Ok(Node::exact(most)); 3];
    let form = Form { backing: huge(most), ..Form::default() };
    assert_eq!(form.row(&Nodes { values: &nodes }), Err(RowError::Overflow));
    assert_eq!(screened(form, &nodes), Screen::Candidate, "a sum that 512 bits do not hold proves nothing");
}

#[test]
fn a_node_stands_once_in_a_sum() {
    let sum = Linear::default().plus(NodeId(1), Int::new(5)).and_then(|sum| sum.plus(NodeId(0), Int::ONE));
    let sum = sum.and_then(|sum| sum.plus(NodeId(1), Int::new(-7))).expect("small numbers");
    assert_eq!(sum.terms, [(NodeId(1), Int::new(-2)), (NodeId(0), Int::ONE)]);
    let most = Linear::default().plus(NodeId(0), Int::from(U256::MAX)).expect("fits");
    assert_eq!(most.plus(NodeId(0), Int::ONE), None);
}
