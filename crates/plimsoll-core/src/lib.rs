//! The core of Plimsoll: exact numbers, accounts, forms, and the interface of a market.
//!
//! A venue's rule for one account is a comparison of two integers, **backing** and **requirement**. This crate
//! defines the numbers they are computed with ([`num`]), what an account is ([`account`]), what a rule looks like
//! from outside ([`form`]), and what a venue must offer ([`market`]). It holds no venue, no float, no clock and no
//! file; it needs an allocator and nothing else of an operating system.
//!
//! The modules below stand in the order in which a newcomer should read them.

#![no_std]
#![deny(clippy::float_arithmetic, clippy::disallowed_types)]

extern crate alloc;

pub mod num;
pub mod unit;
pub mod instrument;
pub mod account;
pub mod reading;
pub mod refusal;
pub mod trace;
pub mod encoded;
pub mod table;
pub mod sheet;
pub mod market;
pub mod action;
pub mod form;
pub mod judge;
pub mod graph;
pub mod scenario;
pub mod depth;
pub mod assumed;
pub mod crash;
pub mod book;
mod serial;

pub use account::{Account, AccountId, Holding, TermId};
pub use action::{
    Action, Amount, Call, Cell, Effects, Flow, Liquidated, Lot, Manage, Mechanism, Party, Receive,
};
pub use assumed::{Hazard, HazardKind, Supply};
pub use book::{Book, ListedAccount, ListedMarket};
pub use crash::{Crash, CrashAsset, CrashBorrowers, CrashKeeper, CrashOracle, CrashPool, CrashStreet};
pub use depth::{Depth, DepthCurve, Gas};
pub use encoded::Encoded;
pub use form::{Compiled, Form, Linear, Node, NodeId, Nodes, Screen, Valid, screen};
pub use graph::{
    FeedKind, Graph, GraphError, Leaf, Look, Observation, Origin, PoolShare, PoolValue, Price, PriceId,
    PriceUnit, Quote, RateCap, Scale, Sight, VOL_DIGITS, VOL_MAX, VOL_UNIT, VaultShare, VolAround, VolError,
    VolHead, VolPoint, VolQuote, VolSlice, VolSurface,
};
pub use instrument::{Instrument, InstrumentId, Kind};
pub use judge::{Certainty, Judgement, Standing};
pub use market::{
    Accounts, Assessment, Balance, BranchHealth, Counting, Figure, Lens, Market, Meaning, Nature, NextPrice,
    NodeSpec, Part, PoolMember, Premium, PriceSlot, Question, Queue, Queued, Quoted, Range, Renewed, Running,
    SharedPool, Swap, TermSpec, Test, Traded, Venue, Verdict, WhyNot,
};
pub use num::{BPS, Decimal, Divisor, Int, RAY, Rounding, U256, WAD, YEAR};
pub use reading::{Feeds, Reading, Why};
pub use refusal::Refusal;
pub use scenario::{Failure, How, Scenario, Shock, Target};
pub use sheet::{Outcome, Sheet, SheetGroup};
pub use trace::{Arithmetic, Operation, Silent, Step, Subject, Trace};
pub use unit::{Time, Unit};
