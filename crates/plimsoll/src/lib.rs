//! Every question that people ask of a book, one function each. Command line, server and bindings call this crate,
//! so that a question is answered in one place and a number is the same in every view.
//!
//! * [`check`], [`check_some`]: every account's health, its distance to the line, totals.
//! * [`Survey`]: the same of a book that need not fit the memory, with nothing kept but the sums.
//! * [`explain`]: one account, step by step, as the venue's contract computes it.
//! * [`whatif`], [`whatif_all`]: the same numbers after actions, prices, parameters and time.
//! * [`liquidate`]: what a keeper may take of an account now, and whether it pays.
//! * [`max`]: the most that can be borrowed and withdrawn, so that the next block still lets it.
//! * [`Lookout`]: what kills each account, and when.
//! * [`restore`]: the smallest deposit or repayment that brings a health back.
//! * [`plan`]: the cheapest steps that bring accounts to a health, from a wallet, other accounts and sales.
//! * [`portfolio`]: one owner's accounts side by side; [`split`]: so much of one asset for all of them.
//! * [`exposure`]: which leaves of the prices move what is held and owed, and what sees no market.
//! * [`Stress`]: what scenarios do to a whole book.
//! * [`Stress::walk`]: the same as a path of steps; [`Stress::heat`]: over two prices.
//! * [`curve`]: collateral at risk as one factor moves, in exact steps.
//! * [`Simulation`]: what a crash does to a book, played step by step with those who act; [`sweep`], [`reverse`].
//! * [`correlations`]: how collateral and debt of a book move together, and when that changed.
//! * [`backtests`]: whether forecasts of losses were right.
//! * [`chances`]: how likely accounts are to be liquidated by a date, and what a book may lose.
//! * [`buffer`]: how much health, or money, keeps the chance of it under a limit.
//! * [`policy_test`]: what a policy of keeping accounts safe did on price history.
//! * [`brief`]: what changed between two books, and why.
//! * [`calibrate`]: where the lines of a market's collateral should stand, and whom a step there would touch.
//! * [`schedules`]: margins of an asset day by day, and what they did.
//! * [`action`], [`forced`], [`cells`]: what people order, as actions and numbers of a market.
//! * [`boundary`]: where the verdict flips when a price moves.
//! * [`withdrawable`], [`borrowable`]: the same of one account in one market.

mod ask;
mod blind;
mod boundary;
mod bounds;
mod brief;
mod chance;
mod calibrate;
mod change;
mod check;
mod compare;
mod curve;
mod ends;
mod explain;
mod exposure;
mod forced;
mod heat;
mod identity;
mod limits;
mod liquidate;
mod max;
mod monitor;
mod order;
mod outlook;
mod path;
mod plan;
mod portfolio;
mod ratio;
mod restore;
mod search;
mod shock;
mod simulate;
mod split;
mod stress;
mod survey;
mod whatif;
mod world;
mod worst;
mod worth;

pub use ask::{Misasked, Sum, account, find};
pub use blind::{AtMarket, Blind};
pub use boundary::{Boundary, Crossing, boundary};
pub use brief::{
    AccountChange, Amounts, Attribution, Brief, Cause, Compared, FeedChange, MarketChange, OwnerChange,
    Rewired, RuleChange, Standstill, SumChange, Untold, brief,
};
pub use calibrate::gates::Gate;
pub use calibrate::hazards::{Event, Struck};
pub use calibrate::margins::{Limited, MarginTerms, Schedule, TOOLS, schedules};
pub use calibrate::stand::{Rules, Stand, Stated};
pub use calibrate::touched::Touched;
pub use calibrate::{
    Calibrated, Calibrating, Calibration, Column, FUND, NotEstimable, Observed, Replayed, calibrate,
};
pub use chance::policy::{
    PolicyKind, PolicyRule, PolicySetting, PolicySource, PolicySums, PolicyTest, Tried, policy_test,
};
pub use chance::{
    AccountChance, BookChance, Buffer, BufferAsk, BufferWay, BufferWays, Chance, Chances,
    Counts as ChanceCounts, Kind as ChanceModel, Losses, ModelChance, Need, Policy, PolicyChance,
    Setting as ChanceSetting, Stands as ChanceStands, Still, Whom, buffer, chances,
};
pub use change::{Change, Did, NewPrice, Stake};
pub use check::{
    Auction, Check, Ladder, MarketInfo, PriceAge, Row, Seen, Severity, Tier, Total, check, check_some,
    coming_for, renewed_for,
};
pub use compare::{Asks, Bound, Client, Comparison, DIGITS as MARGIN_DIGITS, compare};
pub use curve::{Along, AtRisk, Curve, End, Step, curve, halving};
pub use ends::unhealthy_at_both_ends;
pub use explain::{Allowance, Explanation, HoldingLine, PriceLine, PriceRead, Section, TermLine, explain};
pub use exposure::{Exposed, Exposure, Of, Pull, Source, Stands, Sums, Wired, exposure};
pub use forced::{Claim, Closed, Dealt, Forced};
pub use heat::{Axis, HeatCell, HeatMap};
pub use identity::{Identity, identity};
pub use limits::{Limit, NEXT_BLOCK, borrowable, withdrawable};
pub use liquidate::{Liquidate, Pair, Sale, Side, liquidate, unmoved, written_off};
pub use max::{Binds, Max, Most, max};
pub use monitor::{
    Backed, BacktestTerms, Backtested, Blank, CONFIDENCE, Correlated, DECAY, DIGITS, Forecasts, Found,
    Monitor, News, Pegged, REJECTS, Since, Together, Told, Who, Whole, backtests, correlations,
};
pub use order::{Cells, Order, action, cells, forced};
pub use outlook::{Branch, Carry, Distance, Factor, Good, Lookout, Outlook, Redemption, Runs};
pub use path::{Mover, Path, WHOLE, Weight};
pub use plan::{
    Binding, Bound as PlanBound, Broken, Difference, Doing, Plan, PlanAsk, Planned, Replay as PlanReplay,
    Short, Step as PlanStep, Top, plan,
};
pub use plimsoll_risk::margin::{Costs, Measure, Procyclicality, Tool};
pub use plimsoll_risk::threshold::{Appetite, Binds as CapBinds, Cap, Line};
pub use portfolio::{First, Net, Portfolio, Position, portfolio, restore_all};
pub use ratio::Ratio;
pub use restore::{Enough, Hindrance, Restore, Way, restore};
pub use shock::{Mapping, PriceMove, Said, Shocked, known_assets, shocked};
pub use simulate::{Replay, Reverse, SWEPT, Simulation, Swept, in_dollars, reverse, sweep};
pub use split::{Part, Split, split};
pub use stress::{
    Backing, Below, Class, Counted, Counts, Impact, Jump, Left, Loss, Lowest, Risk, Sales, Stays, Stress,
    Stride, Tallies, Walk,
};
pub use survey::{Survey, Surveyed, Unsound};
pub use whatif::{Standpoint, WhatIf, WhatIfAll, whatif, whatif_all};
pub use world::{Held, Moved};
pub use worst::{WorstDay, worst_day};
pub use worth::PricedBy;
