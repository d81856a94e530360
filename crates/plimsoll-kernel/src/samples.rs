//! Accounts of one shape, and a world for them, for tests.

use crate::world::{Layout, World};
use plimsoll_core::{Compiled, Form, Int, Linear, Node, NodeId, U256};

/// What each of three nodes is.
const NODE: i128 = 1 << 30;

/// As much of a first and of a second node, one debt in a third, and a slack on the first.
pub(crate) fn account(size: i128, owed: i128, slack: i128) -> Compiled {
    let terms = |terms: &[(u32, i128)]| Linear {
        terms: terms.iter().map(|&(node, c)| (NodeId(node), Int::new(c))).collect(),
        constant: Int::ZERO,
    };
    Compiled::Rows(vec![Form {
        backing: terms(&[(0, size), (1, size)]),
        requirement: terms(&[(2, owed)]),
        slack: terms(&[(0, slack)]),
        scale: U256::ONE,
        ..Form::default()
    }])
}

/// The three nodes, all the same.
pub(crate) fn world() -> World {
    let layout = Layout::new([3]).expect("few");
    let nodes = vec![Ok(Node::exact(Int::new(NODE))); 3];
    World::new(&layout, [&nodes[..]])
}
