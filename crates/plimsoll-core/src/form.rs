//! The form: what a market's rule for one account looks like from the outside.
//!
//! `headroom(world) = backing - requirement - sum of max(0, hinge)`, each linear in nodes. A coefficient depends
//! on the account alone, a node on the world alone. The form screens; the market's integers decide.

use crate::num::{Int, U256, Wide};
use crate::reading::Why;
use alloc::vec::Vec;

/// A node's place in its market's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A node's value in one world: the true value lies within `error` of `mantissa`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// The value, at the node's own fixed scale.
    pub mantissa: Int,
    /// How far the true value may be from it.
    pub error: U256,
}

impl Node {
    /// A node without error.
    #[must_use]
    pub const fn exact(mantissa: Int) -> Node {
        Node { mantissa, error: U256::ZERO }
    }
}

/// The nodes of one market in one world. A node is unknown when a feed behind it has no value.
#[derive(Clone, Copy, Debug)]
pub struct Nodes<'a> {
    /// One entry for each of the market's nodes.
    pub values: &'a [Result<Node, Why>],
}

impl Nodes<'_> {
    /// The value of a node; a node beyond the end is missing.
    ///
    /// # Errors
    /// Why the node has no value.
    pub fn get(&self, node: NodeId) -> Result<Node, Why> {
        self.values.get(node.0 as usize).copied().unwrap_or(Err(Why::Missing))
    }
}

/// `constant + sum of coefficient * node`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linear {
    /// Node and coefficient; a node may stand once.
    pub terms: Vec<(NodeId, Int)>,
    /// What does not depend on the world.
    pub constant: Int,
}

/// Why a row could not be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowError {
    /// A node that the row needs is unknown.
    Unknown(Why),
    /// 512 bits do not hold the sum.
    Overflow,
}

impl Linear {
    /// Adds to a node's coefficient.
    ///
    /// `None` when the coefficient leaves 256 bits.
    #[must_use]
    pub fn plus(mut self, node: NodeId, coefficient: Int) -> Option<Linear> {
        match self.terms.iter_mut().find(|(id, _)| *id == node) {
            Some((_, present)) => *present = present.add(coefficient)?,
            None => self.terms.push((node, coefficient)),
        }
        Some(self)
    }

    /// The value in a world, exact for the nodes' mantissas.
    ///
    /// # Errors
    /// When a node is unknown or the sum leaves 512 bits.
    pub fn at(&self, nodes: &Nodes<'_>) -> Result<Wide, RowError> {
        self.terms.iter().try_fold(Wide::from(self.constant), |sum, &(id, coefficient)| {
            let node = nodes.get(id).map_err(RowError::Unknown)?;
            sum.add(coefficient.mul_wide(node.mantissa)).ok_or(RowError::Overflow)
        })
    }

    /// How far the nodes' own errors may move the value.
    fn node_error(&self, nodes: &Nodes<'_>) -> Result<Wide, RowError> {
        self.terms.iter().try_fold(Wide::ZERO, |sum, &(id, coefficient)| {
            let node = nodes.get(id).map_err(RowError::Unknown)?;
            let moved = coefficient.mul_wide(Int::from(node.error)).abs();
            sum.add(moved).ok_or(RowError::Overflow)
        })
    }
}

/// Where a form is true: inside every box, and while the market's epoch stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Valid {
    /// Node, lowest and highest mantissa.
    pub boxes: Vec<(NodeId, Int, Int)>,
    /// Parameters, shutdown and mode tables have not changed since.
    pub epoch: u64,
}

/// Backing less requirement less concave hinges, linear in nodes, true while `valid` holds.
///
/// Law 2: |row - exact headroom * scale| <= slack, for every world inside `valid`. Of its two sides as well: what backing
/// less hinges is off and what the requirement is off come to no more than the slack together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// What counts for the account; may be negative.
    pub backing: Linear,
    /// What the venue asks; never negative.
    pub requirement: Linear,
    /// Each takes away its positive part.
    pub hinges: Vec<Linear>,
    /// How far the exact verdict may be from the row: linear in nodes, never negative.
    pub slack: Linear,
    /// Row units in one unit of the exact headroom.
    pub scale: U256,
    /// All collateral at full value, in row units. Adds up money and decides nothing: it is off by the venue's roundings, each
    /// a unit of the assessment or a raw unit at its price, and by one part of its own least coefficient.
    pub collateral: Linear,
    /// All debt at full value, as `collateral`.
    pub debt: Linear,
    /// Where all of this is true.
    pub valid: Valid,
}

/// An account seen through its market's rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiled {
    /// The account is healthy where every row is not negative.
    Rows(Vec<Form>),
    /// The account owes nothing.
    NoDebt,
    /// No proven row: always a candidate.
    Opaque,
}

/// What the screen says of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// The exact verdict is not unhealthy, so there is no need to ask: it is healthy, or the venue has no answer because
    /// a number does not fit.
    Clear,
    /// Ask the market.
    Candidate,
    /// The form is no longer true; compile again.
    Recompile,
    /// A node is unknown.
    Unknown(Why),
}

impl Form {
    /// The row in a world: backing, less requirement, less the positive part of every hinge.
    ///
    /// # Errors
    /// When a node is unknown or a sum leaves 512 bits.
    pub fn row(&self, nodes: &Nodes<'_>) -> Result<Wide, RowError> {
        let linear = self.backing.at(nodes)?.sub(self.requirement.at(nodes)?).ok_or(RowError::Overflow)?;
        self.hinges.iter().try_fold(linear, |row, hinge| {
            let cost = hinge.at(nodes)?;
            if cost.is_negative() { Ok(row) } else { row.sub(cost).ok_or(RowError::Overflow) }
        })
    }

    /// How far the exact verdict may be from the row in a world: the slack and every node's own error.
    ///
    /// # Errors
    /// When a node is unknown or a sum leaves 512 bits.
    pub fn slack(&self, nodes: &Nodes<'_>) -> Result<Wide, RowError> {
        let linear = [&self.backing, &self.requirement];
        linear.into_iter().chain(&self.hinges).try_fold(self.slack.at(nodes)?, |sum, part| {
            sum.add(part.node_error(nodes)?).ok_or(RowError::Overflow)
        })
    }

    /// Whether the form is still true in a world.
    ///
    /// # Errors
    /// When a node with a box is unknown.
    pub fn holds(&self, nodes: &Nodes<'_>, epoch: u64) -> Result<bool, RowError> {
        if self.valid.epoch != epoch {
            return Ok(false);
        }
        for &(id, low, high) in &self.valid.boxes {
            let value = nodes.get(id).map_err(RowError::Unknown)?.mantissa;
            if value < low || value > high {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The definition of the screen. The kernel's float screen must be at least as careful.
#[must_use]
pub fn screen(compiled: &Compiled, nodes: &Nodes<'_>, epoch: u64) -> Screen {
    let rows = match compiled {
        Compiled::NoDebt => return Screen::Clear,
        Compiled::Opaque => return Screen::Candidate,
        Compiled::Rows(rows) => rows,
    };
    let mut answer = Screen::Clear;
    for form in rows {
        match screen_row(form, nodes, epoch) {
            Ok(Screen::Clear) => {}
            Ok(Screen::Recompile) => return Screen::Recompile,
            Ok(other) => answer = other,
            Err(RowError::Unknown(why)) => return Screen::Unknown(why),
            // A sum that 512 bits do not hold proves nothing.
            Err(RowError::Overflow) => answer = Screen::Candidate,
        }
    }
    answer
}

fn screen_row(form: &Form, nodes: &Nodes<'_>, epoch: u64) -> Result<Screen, RowError> {
    if !form.holds(nodes, epoch)? {
        return Ok(Screen::Recompile);
    }
    let surely = form.row(nodes)?.sub(form.slack(nodes)?).ok_or(RowError::Overflow)?;
    Ok(if surely.is_negative() { Screen::Candidate } else { Screen::Clear })
}
