//! A world: the nodes of all markets of a book, as floats.

use crate::float::{float, magnitude};
use plimsoll_core::{Node, Why};

/// The nodes of all markets in one world, one after the other; a market's nodes begin where [`Layout::base`] says.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Not a number where unknown.
    values: Vec<f64>,
}

/// Where each market's nodes stand in a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    bases: Vec<u32>,
    len: u32,
}

impl Layout {
    /// Of markets that offer so many nodes each.
    ///
    /// `None` where there are more than 2^31 nodes.
    #[must_use]
    pub fn new(counts: impl IntoIterator<Item = usize>) -> Option<Layout> {
        let mut layout = Layout { bases: Vec::new(), len: 1 };
        for count in counts {
            layout.bases.push(layout.len);
            layout.len = layout.len.checked_add(u32::try_from(count).ok()?)?;
        }
        (layout.len < 1 << 31).then_some(layout)
    }

    /// The market that a node belongs to; `None` for the number one.
    pub(crate) fn market(&self, node: u32) -> Option<usize> {
        self.bases.partition_point(|base| *base <= node).checked_sub(1)
    }

    /// How many markets there are.
    pub(crate) fn markets(&self) -> usize {
        self.bases.len()
    }

    /// The place of a market's first node.
    ///
    /// `None` for a market that the book does not have.
    #[must_use]
    pub fn base(&self, market: usize) -> Option<u32> {
        self.bases.get(market).copied()
    }

    /// How many numbers a world has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// There is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len <= 1
    }
}

impl World {
    /// From the nodes of each market, in the order of the layout.
    ///
    /// A node without value, below zero, or with an error of more than 2^-52 of its value is unknown here: rows that need it
    /// are candidates.
    #[must_use]
    pub fn new<'n>(layout: &Layout, markets: impl IntoIterator<Item = &'n [Result<Node, Why>]>) -> World {
        let mut world = World { values: vec![1.0] };
        for (market, nodes) in markets.into_iter().enumerate() {
            // A market with fewer nodes than it said: what is missing is unknown.
            world.pad(layout.base(market).unwrap_or(layout.len));
            for node in nodes {
                world.values.push(as_float(node));
            }
        }
        world.pad(layout.len);
        world
    }

    /// How many numbers it has.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    fn pad(&mut self, len: u32) {
        self.values.resize(len as usize, f64::NAN);
    }

    /// Changes one node, as [`World::new`] would have it.
    pub(crate) fn set(&mut self, node: u32, to: &Result<Node, Why>) {
        self.values[node as usize] = as_float(to);
    }

    /// The number at a place; zero where it is unknown.
    #[must_use]
    pub fn value(&self, node: u32) -> f64 {
        self.values.get(node as usize).copied().filter(|value| !value.is_nan()).unwrap_or(0.0)
    }

    /// Whether it may be relied upon.
    #[must_use]
    pub fn known(&self, node: u32) -> bool {
        self.values.get(node as usize).is_some_and(|value| !value.is_nan())
    }

    /// The number at a place, not one where it is unknown: what is computed with it then proves nothing.
    #[inline(always)]
    pub(crate) fn proving(&self, node: u32) -> f64 {
        self.values.get(node as usize).copied().unwrap_or(f64::NAN)
    }
}

fn as_float(node: &Result<Node, Why>) -> f64 {
    match node {
        Ok(node) if !node.mantissa.is_negative() => {
            let (value, error) = (float(node.mantissa), magnitude(node.error));
            if error * 4_503_599_627_370_496.0 <= value { value } else { f64::NAN }
        }
        _ => f64::NAN,
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // these are equal to the bit
mod tests {
    use super::*;
    use plimsoll_core::{Int, U256};

    #[test]
    fn what_may_not_be_relied_upon_is_unknown() {
        let coarse = Node { mantissa: Int::new(1 << 52), error: U256::new(2) };
        let fine = Node { mantissa: Int::new(1 << 53), error: U256::new(1) };
        let nodes = [
            Ok(Node::exact(Int::new(7))),
            Err(Why::Missing),
            Ok(Node::exact(Int::new(-1))),
            Ok(coarse),
            Ok(fine),
        ];
        let layout = Layout::new([5, 2]).expect("few");
        let world = World::new(&layout, [&nodes[..], &nodes[..1]]);
        let known: Vec<bool> = (0..9).map(|node| world.known(node)).collect();
        assert_eq!(known, [true, true, false, false, false, true, true, false, false]);
        assert_eq!((world.value(0), world.value(1), layout.base(1), layout.len()), (1.0, 7.0, Some(6), 8));
    }
}
