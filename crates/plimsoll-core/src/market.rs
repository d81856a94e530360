//! The interface that every venue implements and everything above stands on.
//!
//! A [`Market`] is one deployment of a venue: parameters, state, price slots. [`Market::at`] makes it stand still
//! at one time with one set of prices; the [`Quoted`] market then answers for any number of accounts, so that an
//! index is accrued once and not once an account. `act` is pure and returns [`Effects`]; `set` is the only way in
//! which a market changes.

use crate::account::{Account, AccountId, TermId};
use crate::action::{Action, Call, Cell, Effects, Mechanism};
use crate::encoded::Encoded;
use crate::form::{Compiled, Node};
use crate::instrument::{Instrument, InstrumentId};
use crate::num::{Int, Rounding, U256};
use crate::reading::{Feeds, Why};
use crate::refusal::Refusal;
use crate::sheet::Sheet;
use crate::trace::Trace;
use crate::unit::{Time, Unit};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Which of the venue's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test {
    /// May the account take on more: loan-to-value, borrow factor, CCR, initial margin.
    Borrow,
    /// May an order fill: between initial and maintenance, at venues that have it.
    Fill,
    /// May the account be liquidated: threshold, liquidate factor, MCR, maintenance.
    Liquidation,
    /// Where a liquidation that has begun ends, at venues with hysteresis.
    LiquidationEnd,
}

/// Whose answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lens {
    /// What the venue's getter says now: stored indices, stored spot.
    View,
    /// What the liquidating call would find after its own accrual, drip or poke.
    Action,
}

/// A question to a market about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which line.
    pub test: Test,
    /// Whose answer.
    pub lens: Lens,
    /// When.
    pub at: Time,
}

/// The venue's own verdict at the prices it would use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is owed; there is no health to speak of.
    NoDebt,
    /// Backing covers requirement.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// The answer about one account: the two integers that the venue compares, and what stands behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The venue's comparison, in its own rounding. Not always `backing >= requirement` to the last unit:
    /// where a contract divides before it compares, the contract decides.
    pub verdict: Verdict,
    /// What counts for the account, in `unit`.
    pub backing: Int,
    /// What the venue asks, in `unit`; never negative.
    pub requirement: Int,
    /// All collateral at full value, in `unit`.
    pub collateral: Int,
    /// All debt, in `unit`.
    pub debt: Int,
    /// What the four numbers count.
    pub unit: Unit,
    /// Could the venue's action run now: paused, grace period and the like stand in the way of an unhealthy
    /// account's liquidation.
    pub executable: Result<(), Refusal>,
}

/// What holds of all accounts and all prices of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The verdict, where it is one and the same throughout; `None` proves nothing.
    pub verdict: Option<Verdict>,
    /// The least and the greatest that backing may be, in the unit of [`Assessment::backing`].
    pub backing: [Int; 2],
    /// The least and the greatest that requirement may be, in the same unit.
    pub requirement: [Int; 2],
}

impl TermSpec {
    /// A term that every market of its venue has.
    #[must_use]
    pub const fn new(id: TermId, name: &'static str, unit: Unit) -> TermSpec {
        TermSpec { id, name: Cow::Borrowed(name), unit }
    }
}

/// A number in the venue's own words, as its getter returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The getter's name for it.
    pub name: &'static str,
    /// The number.
    pub value: Int,
    /// What it counts.
    pub unit: Unit,
}

/// A price that the venue already knows and does not use yet, and what it will say of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextPrice {
    /// The price.
    pub price: Figure,
    /// From when anybody may let the venue use it; the time asked about where that is now.
    pub from: Time,
    /// The verdict then, with interest to then; what it refuses at that price.
    pub assessment: Result<Assessment, Refusal>,
}

/// An auction that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its number.
    pub number: u64,
    /// Whose position it was; what is left over goes there.
    pub account: AccountId,
    /// What is sold, and how much of it (raw).
    pub lot: (InstrumentId, U256),
    /// What it shall still bring.
    pub raises: Figure,
    /// What it asks for one whole unit of the lot, or the highest bid for all of it.
    pub asks: Result<Figure, Refusal>,
    /// Why nobody can buy or bid now.
    pub open: Result<(), Refusal>,
}

/// A pool that several parts of a market take from and supply: what is lost through one of them, all who supply it bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPool {
    /// Its name.
    pub name: String,
    /// Its sums, in the venue's own words.
    pub figures: Vec<Figure>,
    /// What of them came through each part.
    pub members: Vec<PoolMember>,
}

/// One part of a market at a [`SharedPool`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolMember {
    /// Its name.
    pub name: String,
    /// Its sums, in the venue's own words.
    pub figures: Vec<Figure>,
    /// Of all shares in the pool's losses (first) those that it has (second).
    pub bears: [U256; 2],
}

/// How the branch stands of which an account is a part: below some ratios of the whole nobody in it can do what his own
/// ratio would let him.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchHealth {
    /// Collateral over debt of the whole branch (wad, floored); `None` without a price.
    pub ratio: Option<U256>,
    /// Below this ratio it lends nothing (wad).
    pub restricted: U256,
    /// Below this ratio anybody may shut it down (wad).
    pub shut_down: U256,
    /// When it was shut down; `None` while it is not.
    pub since: Option<Time>,
    /// The price that moves the ratio, and the highest at which the branch may be shut down; `None` where no price is so
    /// low, or the branch was shut down.
    pub falls_at: Option<(usize, U256)>,
}

/// A price that the market reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceSlot {
    /// The asset (or pair) that is priced.
    pub asset: String,
    /// What the price is counted in, such as `USD`.
    pub currency: String,
    /// The integer that the venue reads is the price times 10^`decimals`.
    pub decimals: u8,
    /// No price above this is ever asked about; stands for "unbounded" in doubtful prices.
    pub highest: U256,
}

/// A node that the market offers to forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSpec {
    /// What it is, such as `WETH price x income index`.
    pub name: String,
    /// The price slot behind it; the node is proportional to that price. `None` where no price moves it.
    pub slot: Option<usize>,
}

/// A term that accounts of the market carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermSpec {
    /// Its number.
    pub id: TermId,
    /// Its name in files; a market that keeps a number of each of its reserves makes names of theirs.
    pub name: Cow<'static, str>,
    /// What it counts.
    pub unit: Unit,
}

/// What a change of one of the market's numbers is told as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nature {
    /// One of the venue's rules: somebody decided it.
    Rule,
    /// What accounts and time make of it: totals, indices, clocks.
    State,
    /// A price that the market keeps itself, or that waits to become one.
    Price,
}

/// A named range of bits of a cell that packs several numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name that files give it.
    pub name: &'static str,
    /// Its first bit, counted from the lowest.
    pub at: usize,
    /// How many bits it has, at most 64.
    pub width: usize,
    /// What it counts.
    pub unit: Unit,
}

/// What a holding is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counting {
    /// The part of its value that backs debt; `None` for a debt, and where it does not count.
    pub weight: Option<U256>,
    /// What the weight counts.
    pub unit: Unit,
    /// Why it does not count; `None` for a debt, and where it does.
    pub why_not: Option<WhyNot>,
    /// No more of it can be taken on.
    pub frozen: bool,
    /// Nothing can be done with it.
    pub paused: bool,
}

/// Why something that is held backs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// The account does not use it as collateral.
    SwitchedOff,
    /// The market gives it no liquidation threshold.
    NoThreshold,
    /// An isolated collateral stands alone, and this is it or stands beside it.
    Isolated,
    /// The market does not use the asset.
    Inactive,
    /// The venue never counts it.
    NeverCollateral,
}

impl WhyNot {
    /// The words that people read.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            WhyNot::SwitchedOff => "not switched on as collateral",
            WhyNot::NoThreshold => "no liquidation threshold",
            WhyNot::Isolated => "shut out by isolation",
            WhyNot::Inactive => "not in use",
            WhyNot::NeverCollateral => "lent out, never collateral",
        }
    }
}

/// How a derivative is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traded {
    /// The least by which a position changes (raw base).
    pub lot: U256,
    /// Digits of the prices that orders name.
    pub digits: u8,
    /// Where what was paid (below zero) or received for it stands.
    pub quote: InstrumentId,
}

/// Where `act` finds other accounts than the one acted upon.
pub trait Accounts {
    /// The account, if there is one. One that was never heard of is not the same as one that holds nothing,
    /// but a market may treat it so.
    fn get(&self, id: AccountId) -> Option<&Account>;
}

impl Accounts for [Account] {
    fn get(&self, id: AccountId) -> Option<&Account> {
        self.iter().find(|account| account.id == id)
    }
}

impl Accounts for Vec<Account> {
    fn get(&self, id: AccountId) -> Option<&Account> {
        self.as_slice().iter().find(|account| account.id == id)
    }
}

/// One deployment of a venue. Typed inside, object-safe outside.
pub trait Market: Send + Sync {
    /// The venue's name and revision, such as `aave_v3 3.5`.
    fn venue(&self) -> (&'static str, &'static str);
    /// Grows with every change of parameters, modes or shutdown: forms compiled before are void.
    fn epoch(&self) -> u64;
    /// What accounts can hold here; an [`InstrumentId`] is an index into it.
    fn instruments(&self) -> &[Instrument];
    /// The prices that the market reads, in slot order.
    fn slots(&self) -> &[PriceSlot];
    /// The nodes that the market offers; a [`crate::NodeId`] is an index into it.
    fn nodes(&self) -> &[NodeSpec];
    /// The terms that accounts carry here.
    fn terms(&self) -> &[TermSpec];
    /// The name by which people and files call what an instrument is of, at a market that lists an asset more than once;
    /// `None` where the asset's name is that.
    fn called(&self, _: InstrumentId) -> Option<&str> {
        None
    }
    /// The same of a price slot.
    fn slot_called(&self, _slot: usize) -> Option<&str> {
        None
    }
    /// How much of an instrument all accounts of the market hold, in the quantity that accounts hold, as the market itself
    /// keeps it: no sum over accounts is more. `None` where it keeps no such number.
    fn total(&self, _: InstrumentId) -> Option<U256> {
        None
    }
    /// What an account's term says where its number stands for something else; `None` where the number says it.
    fn meaning(&self, _term: TermId, _value: &Int) -> Option<Meaning> {
        None
    }
    /// When the state was last brought up to date; no question may be older.
    fn updated(&self) -> Time;

    /// The market standing still at one time with one set of prices.
    ///
    /// # Errors
    /// When the time is before the state's, or an index overflows. A missing price is no error here: it is one
    /// only for accounts that need it.
    fn at<'m>(&'m self, feeds: Feeds<'_>, lens: Lens, at: Time) -> Result<Box<dyn Quoted + 'm>, Refusal>;

    /// The account as rows of coefficient times node.
    ///
    /// # Errors
    /// When the account contradicts itself or the market does not know what it holds.
    fn compile(&self, account: &Account, question: Question) -> Result<Compiled, Refusal>;

    /// What a holding is good for on the line of liquidation.
    ///
    /// # Errors
    /// When the market does not list the instrument, or the account contradicts itself.
    fn counting(&self, account: &Account, instrument: InstrumentId) -> Result<Counting, Refusal>;

    /// Who calls for an account, and so pays and receives: the account itself, or another one of the market that is its
    /// owner's. `own` has the other accounts that are the same owner's in the book, all of this market.
    fn caller(&self, account: &Account, _: &dyn Accounts, _own: &dyn Fn() -> Vec<AccountId>) -> AccountId {
        account.id
    }

    /// The same market where everybody whom it does not know has enough to pay with: how much would something take? `None`
    /// where it asks nobody outside of it what he has.
    fn endowed(&self) -> Option<Box<dyn Market>> {
        None
    }

    /// The calls by which anybody may force this account, or buy what was taken of it, in the order in which they
    /// come; beside repaying a debt for a collateral ([`Mechanism::Discount`]), which needs no naming. Whether the
    /// market accepts them is for `act` to say.
    fn forced(&self, _: &Account, _: Feeds<'_>) -> Vec<Mechanism> {
        Vec::new()
    }

    /// How a derivative is traded; `None` of everything else.
    fn traded(&self, _: InstrumentId) -> Option<Traded> {
        None
    }

    /// The slots of the prices that an account's answer hangs on, where it has no row that says it; `None` where a market does not say: then
    /// all prices do.
    fn reads(&self, _: &Account) -> Option<Vec<usize>> {
        None
    }

    /// The line, and whose view of it, that decides whether an instrument may be withdrawn: every withdrawal that leaves
    /// a debtor below it is refused.
    fn withdrawal_line(&self, _: InstrumentId) -> (Test, Lens) {
        (Test::Liquidation, Lens::Action)
    }

    /// The calls that anybody may put first, in this order and each at its time, so that the market stands as the action
    /// lens sees it at the last: where a liquidating call does not bring them along itself. One that is refused is left out.
    fn prepared(&self, _: Feeds<'_>, _at: Time) -> Vec<(Time, Action)> {
        Vec::new()
    }

    /// The market as the calls of others may have made it by a time, at its worst for those who owe: what is accepted then
    /// must be accepted there too. `None` where others move nothing that an account's own call finds.
    fn foreseen(&self, _: Feeds<'_>, _at: Time) -> Option<Result<Box<dyn Market>, Refusal>> {
        None
    }

    /// What a call would do. Changes nothing.
    ///
    /// # Errors
    /// The venue's own refusal, or why the answer cannot be computed.
    fn act(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Effects, Refusal>;

    /// Whether it is proven that no call between two is taken that differ in their amount alone, the smaller first: where a
    /// limit may be met by more of an amount as well as by less. False says nothing.
    fn refuses_between(&self, _calls: [&Call; 2], _accounts: &dyn Accounts, _: Feeds<'_>) -> bool {
        false
    }

    /// What the price that stands next in the venue's delayed oracle will say of an account; `None` where the venue has
    /// no such oracle, or nothing valid is queued.
    fn queued(&self, _account: &Account, _test: Test, _at: Time) -> Option<NextPrice> {
        None
    }

    /// The same market with nothing between its feeds and what it acts on: along what price of a feed does it look
    /// ahead, when that has gone through. `None` where nothing stands between.
    fn undelayed(&self) -> Option<Box<dyn Market>> {
        None
    }

    /// The same market with a delayed oracle that takes no further price: what interest alone will do. `None` where no price
    /// comes by itself.
    fn still(&self, _feeds: Feeds<'_>, _at: Time) -> Option<Box<dyn Market>> {
        None
    }

    /// Prices that the market keeps itself, beside those that it reads: what is in force, and what is queued.
    fn kept(&self) -> Vec<Figure> {
        Vec::new()
    }

    /// The orders in which redemptions reach accounts, one for each queue of the market, each account with what it owes:
    /// how much debt stands before mine. None where the venue knows no redemption, or takes no order.
    fn queues(&self, _accounts: &dyn Accounts, _feeds: Feeds<'_>, _at: Time) -> Vec<Queue> {
        Vec::new()
    }

    /// The queue of [`Market::queues`] in which an account stands if any redemption reaches it.
    fn queue_of(&self, _: &Account) -> Option<usize> {
        None
    }

    /// The debt of which the line of borrowing does not say how much more may be owed, because a fee or the ratio of a whole
    /// branch decides as well: the market has to be asked. Its raw units are the unit of that line.
    fn asked(&self) -> Option<InstrumentId> {
        None
    }

    /// The instruments whose totals move the market's rates: of totals that are missing no interest follows.
    fn rated(&self) -> &'static [InstrumentId] {
        &[]
    }

    /// What an account owes and the least that its market lets anybody keep owing, where it owes less than that: the market
    /// may have been given another least since, and often an amount is in the wrong unit.
    fn below_least(&self, _: &Account, _: Time) -> Option<[Figure; 2]> {
        None
    }

    /// What a change of a number is told as. A venue that says nothing has state alone.
    fn nature(&self, _: Cell) -> Nature {
        Nature::State
    }

    /// The prices that this market keeps itself, as `later`, another state of it, would keep them under its own rules: what
    /// to set there for that market to stand at these prices.
    fn kept_under(&self, _later: &dyn Market) -> Vec<(Cell, Int)> {
        let mut kept = Vec::new();
        self.visit(&mut |cell, _, _, value| {
            if self.nature(cell) == Nature::Price {
                kept.push((cell, value));
            }
        });
        kept
    }

    /// An account of a later state of this market as it could stand here at a time: with what was done to it since, and
    /// without what came to it since by itself, where accounts carry stamps of clocks and sums that the state here has not
    /// reached. `was` is the account as it stood here, if it did. `None` where it can stand here as it is.
    ///
    /// # Errors
    /// When it cannot be told what came by itself.
    fn put_back(
        &self,
        _later: &Account,
        _was: Option<&Account>,
        _at: Time,
    ) -> Result<Option<Account>, Refusal> {
        Ok(None)
    }

    /// What a value of a cell must obey, in words; `None` where every value that fits its place may stand.
    fn rule(&self, _: Cell) -> Option<&'static str> {
        None
    }

    /// Pools that parts of this market share, at a time; none at most venues.
    ///
    /// # Errors
    /// Those of the venue's own views.
    fn pools(&self, _at: Time) -> Result<Vec<SharedPool>, Refusal> {
        Ok(Vec::new())
    }

    /// Every auction that runs, at a time.
    fn running(&self, _at: Time) -> Vec<Running> {
        Vec::new()
    }

    /// Sets one number of the market; `None` removes the object.
    ///
    /// # Errors
    /// [`Refusal::NoSuchCell`] when there is no such number or the value does not fit it.
    fn set(&mut self, cell: Cell, value: Option<Int>) -> Result<(), Refusal>;

    /// Shows every number of the market, in canonical order: what a snapshot and a state hash are made of.
    fn visit(&self, see: &mut dyn FnMut(Cell, &'static str, Unit, Int));

    /// The numbers that a cell packs, by the names that files give them; none where the cell is one number.
    fn parts(&self, _: Cell) -> &'static [Part] {
        &[]
    }

    /// Every name of the market that is not a number: object, what the name is of, the name.
    fn names(&self) -> Vec<(u64, &'static str, String)>;

    /// The market has other rules from here on.
    fn move_epoch(&mut self);

    /// An independent copy.
    fn boxed_clone(&self) -> Box<dyn Market>;

    /// Changes the market as effects of its own `act` say.
    ///
    /// # Errors
    /// Only for effects that another market made.
    fn apply(&mut self, effects: &Effects) -> Result<(), Refusal> {
        for &(cell, value) in &effects.cells {
            self.set(cell, value)?;
        }
        if effects.epoch_moved {
            self.move_epoch();
        }
        Ok(())
    }

    /// The canonical bytes of the market: a snapshot is these, a state hash is of these.
    fn encode(&self, out: &mut Vec<u8>) {
        let (venue, revision) = self.venue();
        let names = self.names().into_iter().map(|(object, what, name)| (object, what.into(), name));
        let mut cells = Vec::new();
        self.visit(&mut |cell, _, _, value| cells.push((cell, value)));
        let (venue, revision) = (venue.into(), revision.into());
        Encoded { venue, revision, epoch: self.epoch(), names: names.collect(), cells }.write(out);
    }
}

/// A market at one time, with one set of prices.
pub trait Quoted: Send + Sync {
    /// The nodes' values, in the order of [`Market::nodes`].
    fn nodes(&self) -> &[Result<Node, Why>];

    /// The venue's exact verdict.
    ///
    /// # Errors
    /// When a price that the account needs is missing, a number overflows where the contract would revert, or
    /// the account contradicts itself.
    fn assess(&self, account: &Account, test: Test, trace: &mut dyn Trace) -> Result<Assessment, Refusal>;

    /// [`Quoted::assess`] with nobody listening; the fast path.
    ///
    /// # Errors
    /// As [`Quoted::assess`].
    fn verdict(&self, account: &Account, test: Test) -> Result<Assessment, Refusal>;

    /// What is true of every account between two, at every price within its reading's ends, at this market's own
    /// time. The prices that the market stands at do not matter; a reading without a highest reaches its slot's.
    ///
    /// Where `low` and `high` are one account and every reading is a point, the answer is exactly that of a market
    /// standing at those prices ([`Quoted::verdict`]).
    ///
    /// # Errors
    /// As [`Quoted::assess`], somewhere in between; [`Refusal::InconsistentAccount`] where the two do not have the
    /// same terms or `low` holds more than `high`.
    fn over(&self, low: &Account, high: &Account, test: Test, feeds: Feeds<'_>) -> Result<Range, Refusal>;

    /// How the branch stands of which the account is an open part; `None` where the venue has no branches.
    ///
    /// # Errors
    /// As [`Quoted::assess`].
    fn branch(&self, _: &Account) -> Result<Option<BranchHealth>, Refusal> {
        Ok(None)
    }

    /// The account under the parameters that its next risk is judged by and puts in force for it, where those are others than it
    /// is judged by now (Aave v4).
    ///
    /// # Errors
    /// As [`Quoted::assess`].
    fn renewed(&self, _: &Account) -> Result<Option<Renewed>, Refusal> {
        Ok(None)
    }

    /// What the risk of the account's own collateral costs it beyond interest; `None` where the venue asks nothing for
    /// it, or nothing is owed.
    ///
    /// # Errors
    /// As [`Quoted::assess`].
    fn premium(&self, _: &Account) -> Result<Option<Premium>, Refusal> {
        Ok(None)
    }

    /// The account in the venue's own words.
    ///
    /// # Errors
    /// As [`Quoted::assess`].
    fn figures(&self, account: &Account) -> Result<Vec<Figure>, Refusal>;

    /// What each scenario does to the account, at a venue that margins by scenarios; `None` at all others.
    ///
    /// # Errors
    /// As [`Quoted::assess`].
    fn sheet(&self, _: &Account) -> Result<Option<Sheet>, Refusal> {
        Ok(None)
    }

    /// What asks the account the most on the initial line, where a market knows that without scenarios: of what, and which of its rules, in words.
    ///
    /// # Errors
    /// As [`Quoted::assess`].
    fn binds(&self, _: &Account) -> Result<Option<[String; 2]>, Refusal> {
        Ok(None)
    }

    /// What a holding is worth: raw units of its asset, and their value in the market's account unit.
    ///
    /// # Errors
    /// As [`Quoted::assess`].
    fn balance(&self, account: &Account, instrument: InstrumentId) -> Result<Balance, Refusal>;

    /// What one whole unit of a derivative is worth, in the digits in which orders name prices, and how many these are; `None` where it is the price of the slot of
    /// its own name.
    ///
    /// # Errors
    /// Of a price that is missing.
    fn mark(&self, _: InstrumentId, _: Rounding) -> Result<Option<(Int, u8)>, Refusal> {
        Ok(None)
    }

    /// The first price on its way to a venue that delays them by which the account will be below its line, and the earliest
    /// time: of what the venue has queued, and then of the feed as it stands. `None` where none of them does that.
    fn coming(&self, _: &Account, _: Test) -> Option<NextPrice> {
        None
    }
}

/// An account under parameters that are not in force for it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The venue's own number for health under them.
    pub health: Figure,
    /// The verdict under them: whatever would put them in force is refused where it is [`Verdict::Unhealthy`].
    pub verdict: Verdict,
}

/// What an account pays beyond interest for the risk of what it holds as collateral (Aave v4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Premium {
    /// The part of its interest that it pays on top of it (bps).
    pub paid: U256,
    /// The part that it would pay if its risk were counted anew now (bps).
    pub next: U256,
    /// What is paid comes to so much a year at the rates and prices of now, raised (in `unit`).
    pub cost: U256,
    /// What `next` would come to, likewise.
    pub cost_next: U256,
    /// What the costs count.
    pub unit: Unit,
    /// Swaps of all of one collateral that the venue takes as things stand and that would make the premium less than it is under
    /// the parameters that they put in force, the best first.
    pub swaps: Vec<Swap>,
}

/// One collateral sold for another at equal value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// What goes.
    pub from: InstrumentId,
    /// What comes.
    pub to: InstrumentId,
    /// The part of interest that would be paid then (bps).
    pub premium: U256,
    /// What that would come to a year (in [`Premium::unit`]).
    pub cost: U256,
    /// What it costs less a year than staying, under the same parameters (in the unit of [`Premium::cost`]).
    pub saves: U256,
}

/// Accounts in the order in which a redemption reaches them; a refusal where that cannot be said, such as without a price.
pub type Queue = Result<Vec<Queued>, Refusal>;

/// An account's place in a [`Queue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Which account.
    pub account: AccountId,
    /// What it owes (raw units of what is redeemed).
    pub debt: U256,
}

/// What a holding is worth now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Raw units of the underlying asset.
    pub raw: U256,
    /// Value in the market's account unit; `None` where the price is unknown.
    pub value: Option<U256>,
}

/// What the number of a term stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// An account.
    Account(AccountId),
    /// A word of the venue.
    Word(String),
}

/// The only thing that names a venue: opens a market from its canonical bytes.
pub trait Venue: Send + Sync {
    /// The venue's name in files, such as `aave_v3`.
    fn name(&self) -> &'static str;
    /// Its revisions, oldest first.
    fn revisions(&self) -> &'static [&'static str];
    /// Opens what [`Market::encode`] wrote.
    ///
    /// # Errors
    /// When the bytes are not such a market's.
    fn open(&self, bytes: &[u8]) -> Result<Box<dyn Market>, Refusal>;
}
