//! What can be done to a market, and everything that doing it changes, as data.

use crate::account::{AccountId, TermId};
use crate::instrument::InstrumentId;
use crate::num::{Int, U256};
use crate::unit::Time;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// How much of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Amount {
    /// So many raw units of the underlying asset.
    Assets(U256),
    /// So many of the instrument's own units: shares, scaled balance.
    Shares(U256),
    /// All that there is.
    All,
}

/// An action of one actor on one account of a market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Who acts and pays or receives the tokens.
    pub actor: AccountId,
    /// Whose position is acted upon; the actor's own, but for gifts and liquidations.
    pub account: AccountId,
    /// The time of the block it happens in.
    pub at: Time,
    /// What is done.
    pub action: Action,
}

/// Everything that anybody can do to a market of any venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Bring interest and indices to the time of the call (accrue, drip).
    Accrue,
    /// Make the market read a price it stores (Maker's `poke`).
    Poke {
        /// Which of the market's prices.
        slot: usize,
    },
    /// Put an asset in and receive an instrument: supply, post collateral.
    Deposit {
        /// The receipt that is received.
        into: InstrumentId,
        /// How much.
        amount: Amount,
    },
    /// Give an instrument back for its asset.
    Withdraw {
        /// The receipt that is given back.
        from: InstrumentId,
        /// How much.
        amount: Amount,
    },
    /// Take a loan.
    Borrow {
        /// The debt that is taken on.
        debt: InstrumentId,
        /// How much.
        amount: Amount,
    },
    /// Pay a loan back.
    Repay {
        /// The debt that is paid.
        debt: InstrumentId,
        /// How much.
        amount: Amount,
    },
    /// Change collateral and debt of one position at once (Maker's `frob`, Liquity's `adjustTrove`).
    Adjust {
        /// The collateral instrument and its change.
        collateral: (InstrumentId, Int),
        /// The debt instrument and its change.
        debt: (InstrumentId, Int),
        /// Who gives or receives the collateral.
        collateral_party: AccountId,
        /// Who gives or receives the debt asset.
        debt_party: AccountId,
    },
    /// Move an instrument to another account (receipt transfer, Maker's `fork`).
    Transfer {
        /// What moves.
        instrument: InstrumentId,
        /// To whom.
        to: AccountId,
        /// How much.
        amount: Amount,
    },
    /// Move collateral and debt of a position to another account at once (Maker's `fork`).
    Fork {
        /// The collateral instrument and what leaves; negative where it comes from the other.
        collateral: (InstrumentId, Int),
        /// The debt instrument and what leaves, likewise.
        debt: (InstrumentId, Int),
        /// The other account.
        to: AccountId,
    },
    /// Count a receipt as collateral, or no longer.
    UseAsCollateral {
        /// The receipt.
        instrument: InstrumentId,
        /// Whether it shall count.
        on: bool,
    },
    /// Set a term of the account: e-mode, a trove's rate, a batch to join, margin mode.
    SetTerm {
        /// Which term.
        term: TermId,
        /// Its new value.
        value: Int,
    },
    /// Add a trade at a price to a derivative position.
    Fill {
        /// The derivative.
        instrument: InstrumentId,
        /// Signed quantity.
        quantity: Int,
        /// Price in the market's unit.
        price: Int,
    },
    /// Pay funding or settle profit and loss of a derivative.
    Settle {
        /// The derivative.
        instrument: InstrumentId,
    },
    /// Force the account, in the way of the venue's family.
    Liquidate(Mechanism),
    /// Open a position that is an account of its own, with collateral, a loan and its first terms (Liquity's trove).
    Open {
        /// The receipt for the collateral, and how much (raw).
        collateral: (InstrumentId, U256),
        /// The debt that is taken on, and how much (raw).
        debt: (InstrumentId, U256),
        /// Terms that whoever opens chooses: a rate, a group, an owner.
        terms: Vec<(TermId, Int)>,
    },
    /// Pay all of a position's debt and take out all of its collateral.
    Close,
    /// Make what has accrued to the account its own record (Liquity's `applyPendingDebt`).
    ApplyPending,
    /// Bring what the venue keeps of the account's own risk up to date (Aave v4).
    Refresh {
        /// The newest parameters come into force for the account, which must stand them; otherwise its risk is only
        /// counted anew.
        rules: bool,
    },
    /// Put so much into a stability pool or backstop, and take what it earned along or leave it in.
    Stake {
        /// The receipt of the pool.
        pool: InstrumentId,
        /// How much (raw).
        amount: U256,
        /// Whether gains leave the pool.
        claim: bool,
    },
    /// Take so much out of a stability pool or backstop, at most all; zero only settles what it earned.
    Unstake {
        /// The receipt of the pool.
        pool: InstrumentId,
        /// How much (raw).
        amount: U256,
        /// Whether gains leave the pool.
        claim: bool,
    },
    /// [`Action::Adjust`] of a position that was set aside: it takes its place again (Liquity's `adjustZombieTrove`).
    Reactivate {
        /// The collateral instrument and its change.
        collateral: (InstrumentId, Int),
        /// The debt instrument and its change.
        debt: (InstrumentId, Int),
    },
    /// Let a manager set the account's rate together with others' (Liquity's batches).
    JoinGroup {
        /// Who.
        manager: AccountId,
    },
    /// Set the account's rate alone again.
    LeaveGroup {
        /// The new rate (wad a year).
        rate: U256,
    },
    /// What a manager, the account of the call, does with its group.
    ManageGroup {
        /// The collateral receipt of the market's branch.
        branch: InstrumentId,
        /// What.
        what: Manage,
    },
    /// Take out what the market holds for the account.
    Claim {
        /// The claim.
        instrument: InstrumentId,
    },
    /// Stop a branch of the market for good, where its rules allow that.
    ShutDown {
        /// The collateral receipt of the branch.
        branch: InstrumentId,
    },
}

/// What a manager does with a group of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manage {
    /// Found the group.
    Register {
        /// The group's rate (wad a year).
        rate: U256,
        /// The manager's fee (wad a year).
        fee: U256,
        /// The least rate that may be set (wad a year).
        least: U256,
        /// The highest rate that may be set (wad a year).
        most: U256,
        /// Seconds between two changes.
        period: u64,
    },
    /// Set the rate of all (wad a year).
    Rate(U256),
    /// Lower the fee (wad a year).
    Fee(U256),
}

/// The ways in which venues liquidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mechanism {
    /// Repay debt, receive collateral at a discount (Aave, Morpho).
    Discount {
        /// The debt that is repaid.
        repay: InstrumentId,
        /// The collateral that is received.
        seize: InstrumentId,
        /// How much, seen from one of the two sides.
        lot: Lot,
        /// In which form the collateral is received.
        receive: Receive,
    },
    /// The protocol takes accounts over whole (Compound v3).
    Absorb {
        /// The accounts, in order.
        accounts: Vec<AccountId>,
    },
    /// Buy collateral from the protocol's reserves (Compound v3).
    BuyReserve {
        /// The collateral asset's receipt.
        asset: InstrumentId,
        /// What is paid (raw base asset).
        pay: U256,
    },
    /// Seize a position into an auction (Maker).
    Bark,
    /// Buy from an auction (Maker).
    Take {
        /// Which auction.
        auction: u64,
        /// At most so much collateral.
        amount: U256,
        /// At most at this price.
        max_price: U256,
    },
    /// Restart an auction that ran out (Maker).
    Redo {
        /// Which auction.
        auction: u64,
    },
    /// Call an auction off (Maker).
    Yank {
        /// Which auction.
        auction: u64,
    },
    /// Bid more for all of an auction's collateral (Maker's auctions up to 2021).
    Tend {
        /// Which auction.
        auction: u64,
        /// All of the collateral, as a check.
        lot: U256,
        /// The bid, in the market's unit of debt.
        bid: U256,
    },
    /// Ask for less collateral at the full bid (Maker's auctions up to 2021).
    Dent {
        /// Which auction.
        auction: u64,
        /// The collateral that is asked for.
        lot: U256,
        /// The full bid, as a check.
        bid: U256,
    },
    /// Hand the collateral to the highest bidder (Maker's auctions up to 2021).
    Deal {
        /// Which auction.
        auction: u64,
    },
    /// Let the auction house take over the venue's minimum of debt (Maker's `upchost`).
    Upchost,
    /// Offset against a stability pool and redistribute the rest (Liquity).
    Batch {
        /// The accounts, in order.
        accounts: Vec<AccountId>,
    },
    /// Exchange the venue's stablecoin for collateral of the lowest-ranked accounts (Liquity).
    Redeem {
        /// How much of the stablecoin.
        amount: U256,
        /// At most so many accounts of each branch; zero for any number.
        max_iterations: u32,
        /// At most this fee (wad).
        max_fee: U256,
    },
    /// The same from the accounts named, in a branch that was shut down, at a bonus (Liquity).
    RedeemUrgently {
        /// The collateral receipt of the branch.
        collateral: InstrumentId,
        /// How much of the stablecoin.
        amount: U256,
        /// The accounts, in order.
        accounts: Vec<AccountId>,
    },
    /// Close a part of a derivative position (margin engines).
    Reduce {
        /// The derivative.
        instrument: InstrumentId,
        /// At most so much.
        size: U256,
    },
    /// Close what restores the account, chosen by the venue: what hedges one another is closed together (portfolio margin).
    Unwind,
}

/// The size of a discount liquidation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lot {
    /// Repay so much debt.
    Repay(Amount),
    /// Seize so much collateral (raw).
    Seize(U256),
}

/// The form in which a liquidator takes collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Receive {
    /// The asset itself, out of the pool's cash.
    Asset,
    /// The receipt, which stays in the pool.
    Receipt,
}

/// One side of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Party {
    /// An account of the market; its holding of the instrument changes.
    Account(AccountId),
    /// An actor's own tokens, outside the market.
    Wallet(AccountId),
    /// The market's cash.
    Pool,
    /// The venue's own claim: treasury, reserves, fee receiver.
    Treasury,
    /// An auction.
    Auction(u64),
    /// A stability pool or backstop.
    StabilityPool,
    /// An insurance fund.
    Insurance,
    /// A keeper's reward.
    Keeper,
    /// Came into being.
    Mint,
    /// Ceased to be.
    Burn,
    /// Written off: nobody paid.
    Loss,
}

/// An amount of one instrument going from one party to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// What moves.
    pub instrument: InstrumentId,
    /// How much, in the instrument's own integers.
    pub amount: U256,
    /// Who gives.
    pub from: Party,
    /// Who receives.
    pub to: Party,
}

/// A number of the market's state or parameters: a row and a column of the market's own tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// Which thing: the market itself, a reserve, an auction.
    pub object: u64,
    /// Which number of it.
    pub field: u16,
}

/// What a liquidation did, in amounts of the assets (raw).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Liquidated {
    /// Debt paid by the liquidator.
    pub repaid: U256,
    /// Collateral taken from the account, fee included.
    pub seized: U256,
    /// The part of it that went to the venue.
    pub fee: U256,
    /// Debt written off, by debt instrument.
    pub bad_debt: Vec<(InstrumentId, U256)>,
}

/// Everything an action changes. Applying it recomputes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// What moved. Holdings change by nothing else.
    pub flows: Vec<Flow>,
    /// Terms of accounts, with their new values.
    pub terms: Vec<(AccountId, TermId, Int)>,
    /// Numbers of the market, with their new values; `None` where the object ceases to be.
    pub cells: Vec<(Cell, Option<Int>)>,
    /// The market's rules changed: forms compiled before are void.
    pub epoch_moved: bool,
    /// What a liquidation did.
    pub liquidated: Option<Liquidated>,
}

impl Effects {
    /// Records a flow; nothing moves where the amount is zero.
    pub fn flow(&mut self, instrument: InstrumentId, amount: U256, from: Party, to: Party) {
        if amount != U256::ZERO {
            self.flows.push(Flow { instrument, amount, from, to });
        }
    }

    /// The net change of a party's quantity of an instrument; `None` beyond 256 bits.
    #[must_use]
    pub fn net(&self, party: Party, instrument: InstrumentId) -> Option<Int> {
        self.flows.iter().filter(|flow| flow.instrument == instrument).try_fold(Int::ZERO, |net, flow| {
            let amount = Int::from(flow.amount);
            let net = if flow.to == party { net.add(amount)? } else { net };
            if flow.from == party { net.sub(amount) } else { Some(net) }
        })
    }

    /// Changes an account as these effects say; `None` beyond 256 bits.
    #[must_use]
    pub fn apply_to(&self, account: &crate::Account) -> Option<crate::Account> {
        let mut after = account.clone();
        for flow in &self.flows {
            let party = Party::Account(account.id);
            if flow.to == party {
                let quantity = after.quantity(flow.instrument).add(Int::from(flow.amount))?;
                after.set(flow.instrument, quantity);
            }
            if flow.from == party {
                let quantity = after.quantity(flow.instrument).sub(Int::from(flow.amount))?;
                after.set(flow.instrument, quantity);
            }
        }
        for &(id, term, value) in &self.terms {
            if id == account.id {
                after.set_term(term, value);
            }
        }
        Some(after)
    }
}
