//! Maker, now Sky: one collateral of the core system (`dss`), with its vaults, its price, its fee and its auctions.
//!
//! Sources: `Vat.sol`, `Jug.sol`, `Spot.sol`, `Dog.sol`, `Clip.sol`, `Abaci.sol` of dss 1.2 and later, `Cat.sol` and
//! `Flip.sol` of dss 1.0 and 1.1, `OSM.sol`, and `DssProxyActions.sol` for what a wallet does in one transaction. The
//! revisions are Maker's own names of how it liquidates: `1.0` (2019: bids, a fixed lot of collateral), `1.2` (August
//! 2020: bids, lots and limits in Dai), `2.0` (2021 on: Dutch auctions).
//!
//! Units: collateral (`ink`, `gem`) and normalised debt (`art`) in wad (10^18, whatever the token has); `rate`, `spot`,
//! `mat`, `par` in ray (10^27); Dai in the vat, debt and limits in rad (10^45); Dai tokens in wad; prices in wad.
//!
//! ```text
//! safe <=> art * rate <= ink * spot                       Vat.frob, Vat.fork; no rounding: wad x ray is rad
//! bark <=> spot > 0 and ink * spot < art * rate           Dog.bark, Cat.bite
//! spot   = floor(floor(price * 10^36 / par) * 10^27 / mat)          Spotter.poke
//! rate'  = floor((base + duty)^seconds * rate / 10^27)              Jug.drip; half up at each square and product
//! ```
//!
//! There is one line for borrowing and for liquidation. What is stored changes only by calls that anybody may send:
//! `drip` brings the rate to now, `poke` writes the spot. **The view lens** takes the stored rate and spot. **The action lens**
//! takes what anybody can bring about by the time asked: the rate after a drip, and the least of these spots:
//!
//! ```text
//! stored                        but where it is zero: `bark` asks for spot > 0. Nobody need poke
//! of the price in force         after a poke, with a delayed oracle
//! of the next price             from poked + hop on: the oracle lets it in, and then a poke
//! of the feed's price           where there is no delayed oracle; with one from the second hop on, and that is
//!                               t - t mod hop + hop with t = max(poked + hop, last drip): the first lets it in behind
//!                               the next price, the second in front
//! ```
//!
//! Nothing else can come in force by then: the oracle takes one price an hour, and each of these spots is what one sequence
//! of calls leaves (the feed standing as it is told). After the second hop the oracle's prices are known only by the feed:
//! where that is doubtful the account is unknown, unless the other spots decide. A stopped oracle takes nothing; while its
//! source has no price it takes nothing either, and since that is not known here a next price that is lower than the other
//! spots is unknown then. A poke that would revert is one that nobody makes. A drip that reverts leaves the rate unknown, for
//! it could have been made until it did; only where the factor is below one, which no book holds, the stored rate stands.
//! [`plimsoll_core::Quoted::coming`] tells from when the next price, and the feed's, take an account below its line.
//!
//! Auctions of 2.0 (`Dog.bark`, `Clipper`), with room = min(Hole - Dirt, hole - dirt):
//!
//! ```text
//! dart = min(art, floor(floor(room * 10^18 / rate) / chop)); all of art where less than dust would be left
//! dink = floor(ink * dart / art);  tab = floor(dart * rate * chop / 10^18)
//! top  = floor(floor(price * 10^36 / par) * buf / 10^27);  reward = tip + floor(tab * chip / 10^18)
//! price of the auction: see [`Calc::price`];  ran out <=> seconds > tail or floor(price * 10^27 / top) < cusp
//! take: slice = min(lot, amount), owe = slice * price;
//!       owe > tab: owe = tab, slice = floor(tab / price);
//!       0 < tab - owe < chost and slice < lot: owe = tab - chost, slice = floor(owe / price), if tab > chost
//! ```
//!
//! **The form.** The first row is `ink` times the node of the spot (the least, as the lens has it) less `art` times the node
//! of the rate, exact to the last unit: slack zero, and the account is healthy where it is not negative. So law 1 and law 2 hold
//! of it at every time; it is law 4's because a least of spots that each rise with the price does so. Where the feed's price may
//! decide there is a second row, by which a doubt of the feed is known to be the account's: its node is the price P, and row
//! units are a den-th of a rad, with num / den = 10^63 / (par * mat) in lowest terms: backing ink * num * P,
//! requirement art * den * rate. Slack: the inner floor of the spot loses less than one, which the outer division makes
//! less than 10^27 / mat, and the outer floor loses less than one, both against the account; so
//! 0 <= row - headroom < ink * den * (1 + 10^27 / mat), rounded up, where headroom is that after a poke of P. The spot is
//! the least, so the account's own headroom is no more: the second row clears nobody whom the first does not. An account whose coefficients 256 bits do not hold
//! is opaque: a `par` or `mat` with many digits and more collateral than there is. Verdicts are monotone in P.
//!
//! Dai that an auction brings goes to the system's purse. What it does not bring of the debt with the penalty is told as bad
//! debt, in tokens, rounded up; flows and numbers have it to the last rad.
//!
//! Not modelled: who may call `yank` and set parameters (whoever calls may); `hope` for more than one other; global
//! settlement; the vow's own auctions; callbacks of buyers. Each market has its own copy of the system's totals (`debt`,
//! `vice`, `Dirt`): what happens in another market of the same system does not move them. An actor whom the
//! book does not know has what he needs in his wallet; one whom it knows pays auctions from his Dai in the vat.

pub mod words;
mod numbers;
mod prices;
mod position;
mod standing;
mod form;
mod turn;
mod vault;
mod dutch;
mod english;

pub use numbers::{Auction, Calc, Curve, Dutch, English, Parameters, RAD, State, Stored};

use crate::table;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use numbers::{AUCTION, FIELDS, Numbers, PRICES, RULES};
use plimsoll_core::{
    Account, Accounts, Action, Call, Cell, Compiled, Counting, Effects, Encoded, Feeds, Figure, Instrument,
    InstrumentId, Int, Kind, Lens, Mechanism, Nature, NextPrice, NodeId, NodeSpec, PriceSlot, Question,
    Quoted, RAY, Reading, Refusal, Running, Silent, TermId, TermSpec, Test, Time, Trace, U256, Unit, WhyNot,
};
use position::Position;
use prices::Ways;
use standing::Standing;
use turn::Turn;

/// The collateral token, unlocked: in a wallet, or in the vat on an account's name (wad).
pub const GEM: InstrumentId = InstrumentId(0);
/// Dai tokens; only wallets hold them (wad).
pub const DAI: InstrumentId = InstrumentId(1);
/// Locked collateral (wad).
pub const INK: InstrumentId = InstrumentId(2);
/// Normalised debt: times the rate it is what is owed (wad).
pub const ART: InstrumentId = InstrumentId(3);
/// Dai in the vat on an account's name (rad).
pub const VAT_DAI: InstrumentId = InstrumentId(4);

/// Who may act for an account beside itself: that account's number and one more; zero is nobody (`Vat.hope`).
pub const HOPE: TermId = TermId(0);

/// The node of the spot, as the lens sees it.
pub const SPOT_NODE: NodeId = NodeId(0);
/// The node of the price that the market reads.
pub const PRICE_NODE: NodeId = NodeId(1);
/// The node of the rate, as the lens sees it.
pub const RATE_NODE: NodeId = NodeId(2);

/// [`plimsoll_core::Action::Poke`]: write the spot of the oracle's price (`Spotter.poke`).
pub const POKE_SPOT: usize = 0;
/// [`plimsoll_core::Action::Poke`]: let the delayed oracle take its next price (`OSM.poke`).
pub const POKE_ORACLE: usize = 1;

/// How the system liquidates, by Maker's own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// `Cat` and `Flipper` of 2019: a lot of collateral for bids.
    V1_0,
    /// `Cat` and `Flipper` of August 2020: lots by debt, a limit on all that is on auction.
    V1_2,
    /// `Dog` and `Clipper` of 2021: a falling price.
    V2_0,
}

/// All revisions, oldest first.
pub const REVISIONS: [Revision; 3] = [Revision::V1_0, Revision::V1_2, Revision::V2_0];
const REVISION_NAMES: &[&str] = &["1.0", "1.2", "2.0"];

impl Revision {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        REVISION_NAMES[self as usize]
    }
}

/// What the market's assets are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names<'a> {
    /// The collateral token.
    pub gem: &'a str,
    /// The stablecoin.
    pub dai: &'a str,
    /// What prices are in.
    pub currency: &'a str,
}

/// One collateral of Maker, with the numbers of the whole system that it needs.
///
/// Invariant: auctions are numbered from one, and each has its own place from zero up among those that run.
#[derive(Clone, Debug)]
pub struct Market {
    revision: Revision,
    numbers: Numbers,
    auctions: BTreeMap<u64, Auction>,
    names: [String; 3],
    epoch: u64,
    instruments: Vec<Instrument>,
    slots: [PriceSlot; 1],
    nodes: [NodeSpec; 3],
}

const TERMS: &[TermSpec] = &[TermSpec::new(HOPE, "hope", Unit::NUMBER)];

impl Market {
    /// A market of these parameters in this state, with no auction running.
    ///
    /// # Errors
    /// [`Refusal::NoSuchCell`] for numbers that the contracts cannot hold, or a `mat` or `par` of zero.
    pub fn new(
        revision: Revision,
        names: Names<'_>,
        parameters: Parameters,
        state: State,
    ) -> Result<Market, Refusal> {
        let numbers = Numbers { rules: parameters, state };
        if !table::holds(FIELDS, &numbers) {
            return Err(Refusal::NoSuchCell);
        }
        let Names { gem, dai, currency } = names;
        let instrument = |name: String, kind, asset: &str, decimals| {
            let asset = asset.into();
            Instrument { name, kind, asset, decimals }
        };
        let instruments = vec![
            instrument(gem.into(), Kind::Asset, gem, 18),
            instrument(dai.into(), Kind::Asset, dai, 18),
            instrument(format!("{gem} locked"), Kind::Receipt, gem, 18),
            instrument(format!("{dai} debt"), Kind::Debt, dai, 18),
            instrument(format!("{dai} in the vat"), Kind::Asset, dai, 45),
        ];
        let slot = PriceSlot {
            asset: gem.into(),
            currency: currency.into(),
            decimals: 18,
            // 10^12 whole units of the currency for one whole token.
            highest: U256::new(10u128.pow(30)),
        };
        let nodes = [
            NodeSpec { name: format!("{gem} spot"), slot: None },
            NodeSpec { name: format!("{gem} price"), slot: Some(0) },
            NodeSpec { name: format!("{gem} rate"), slot: None },
        ];
        let names = [gem.into(), dai.into(), currency.into()];
        let auctions = BTreeMap::new();
        Ok(Market { revision, numbers, auctions, names, epoch: 0, instruments, slots: [slot], nodes })
    }

    /// The same market with this auction running.
    ///
    /// # Errors
    /// [`Refusal::NoSuchCell`] where the number is zero or above those given so far, or another auction has its number
    /// or its place.
    pub fn with_auction(mut self, number: u64, auction: Auction) -> Result<Market, Refusal> {
        let given = number >= 1 && number <= self.numbers.state.kicks;
        let placed = self.auctions.values().any(|other| other.pos == auction.pos);
        if !given || placed || !table::holds(AUCTION, &auction) {
            return Err(Refusal::NoSuchCell);
        }
        match self.auctions.insert(number, auction) {
            None => Ok(self),
            Some(_) => Err(Refusal::NoSuchCell),
        }
    }

    /// Its revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// What governance set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.numbers.rules
    }

    /// What changes.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.numbers.state
    }

    /// The auctions that run, by number.
    pub fn auctions(&self) -> impl Iterator<Item = (u64, &Auction)> {
        self.auctions.iter().map(|(number, auction)| (*number, auction))
    }

    /// An auction that runs.
    #[must_use]
    pub fn auction(&self, number: u64) -> Option<&Auction> {
        self.auctions.get(&number)
    }

    /// The state after a drip (`Jug.drip`).
    ///
    /// # Errors
    /// [`Refusal::ClockWentBack`]; [`Refusal::ShutDown`]; [`Refusal::Overflow`] where the contract reverts.
    pub fn dripped(&self, at: Time) -> Result<State, Refusal> {
        self.numbers.drip(&mut Silent, at)
    }

    /// What a falling auction asks for one of collateral (ray), and whether it has run out (`Clipper.status`).
    ///
    /// # Errors
    /// [`Refusal::NoSuchAuction`]; [`Refusal::ClockWentBack`]; [`Refusal::Overflow`] and
    /// [`Refusal::DivisionByZero`] where the contract reverts.
    pub fn status(&self, number: u64, at: Time) -> Result<Status, Refusal> {
        let auction = self.auction(number).ok_or(Refusal::NoSuchAuction { auction: number })?;
        dutch::status(&mut Silent, &self.numbers.rules.dutch, auction, at)
    }

    /// Whether the feed's own price may decide.
    fn reads_feed(&self, lens: Lens, at: Time) -> bool {
        lens == Lens::Action && self.numbers.rules.live && self.numbers.feed_counts(at)
    }
}

/// Where a falling auction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it asks for one of collateral (ray).
    pub price: U256,
    /// Nobody can buy before it is restarted.
    pub ran_out: bool,
}

impl plimsoll_core::Market for Market {
    fn venue(&self) -> (&'static str, &'static str) {
        (NAME, self.revision.name())
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    fn slots(&self) -> &[PriceSlot] {
        &self.slots
    }

    fn nodes(&self) -> &[NodeSpec] {
        &self.nodes
    }

    fn terms(&self) -> &[TermSpec] {
        TERMS
    }

    /// Of collateral the vat keeps no total. All Dai in it is its `debt`, the system's own purse included.
    fn total(&self, instrument: InstrumentId) -> Option<U256> {
        let state = &self.numbers.state;
        match instrument {
            ART => Some(state.total_art),
            VAT_DAI => Some(state.debt.sub_or_zero(state.vow_dai)),
            _ => None,
        }
    }

    fn updated(&self) -> Time {
        Time(self.numbers.state.rho)
    }

    fn at<'m>(&'m self, feeds: Feeds<'_>, lens: Lens, at: Time) -> Result<Box<dyn Quoted + 'm>, Refusal> {
        Ok(Box::new(Standing::new(self, feeds.get(0), lens, at)?))
    }

    /// One line for every test; the form holds at every node and time while the rules stand.
    fn compile(&self, account: &Account, question: Question) -> Result<Compiled, Refusal> {
        let position = Position::of(account)?;
        if position.art == U256::ZERO {
            return Ok(Compiled::NoDebt);
        }
        let mut rows = vec![self.spot_form(&position)];
        if self.reads_feed(question.lens, question.at) {
            let Some(row) = self.price_form(&position) else { return Ok(Compiled::Opaque) };
            rows.push(row);
        }
        Ok(Compiled::Rows(rows))
    }

    /// Locked collateral counts by 1 / mat; what lies unlocked in the vat never does.
    fn counting(&self, account: &Account, instrument: InstrumentId) -> Result<Counting, Refusal> {
        Position::of(account)?;
        let one = RAY.value();
        let weight = one.mul_div(one, self.numbers.rules.mat, plimsoll_core::Rounding::Down);
        let (weight, why_not) = match instrument {
            INK => (weight, None),
            GEM | VAT_DAI => (None, Some(WhyNot::NeverCollateral)),
            ART => (None, None),
            other => return Err(Refusal::NoSuchInstrument(other)),
        };
        Ok(Counting { weight, unit: Unit::RAY, why_not, frozen: false, paused: !self.numbers.rules.live })
    }

    /// The drip, and those pokes that bring the lowest spot at which anybody can be liquidated: none where that is stored.
    /// The feed's price needs the delayed oracle's poke at two hops, of which keepers have made the first at its time.
    fn prepared(&self, feeds: Feeds<'_>, at: Time) -> Vec<(Time, Action)> {
        let numbers = &self.numbers;
        let Ways { sure, .. } = numbers.ways(feeds.get(0), at);
        let lowest = sure.iter().filter(|way| way.spot != U256::ZERO).min_by_key(|way| way.spot);
        let poked = lowest.and_then(|way| way.poked);
        let mut calls = Vec::new();
        if let (Some(from), Some(price)) = (numbers.passes(), poked)
            && price != numbers.state.current
        {
            let oracle = |at| (at, Action::Poke { slot: POKE_ORACLE });
            if price != numbers.state.next {
                calls.push(oracle(from.max(self.updated())));
            }
            calls.push(oracle(at));
        }
        calls.push((at, Action::Accrue));
        calls.extend(poked.map(|_| (at, Action::Poke { slot: POKE_SPOT })));
        calls
    }

    /// Bark where something is owed, and the account's own auctions. What one bids in an English auction is the bidder's
    /// to say; it is only ended here.
    fn forced(&self, account: &Account, _: Feeds<'_>) -> Vec<Mechanism> {
        let owes = !account.quantity(ART).is_zero();
        let mut calls: Vec<Mechanism> = owes.then_some(Mechanism::Bark).into_iter().collect();
        for (auction, _) in self.auctions().filter(|(_, auction)| auction.usr == account.id) {
            if self.revision == Revision::V2_0 {
                let (amount, max_price) = (U256::MAX, U256::MAX);
                calls.push(Mechanism::Take { auction, amount, max_price });
                calls.push(Mechanism::Redo { auction });
            } else {
                calls.push(Mechanism::Deal { auction });
            }
        }
        calls
    }

    fn act(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Effects, Refusal> {
        Turn::new(self, call, accounts, feeds.get(0), trace)?.act(&call.action)
    }

    /// By the delayed oracle's queue, after a drip and a poke at the first moment at which it can be let in.
    fn queued(&self, account: &Account, test: Test, at: Time) -> Option<NextPrice> {
        let from = self.numbers.passes()?.max(at);
        let next = Some(self.numbers.state.next).filter(|next| next.valid)?;
        if self.numbers.rules.osm_stopped || !self.numbers.rules.live {
            return None;
        }
        // The market with the queued price let in and poked, and nothing behind it.
        let mut then = self.clone();
        then.numbers.state = State { current: next, spot: U256::ZERO, ..self.numbers.state };
        then.numbers.rules.osm_stopped = true;
        let standing = Standing::new(&then, Reading::certain(next.value), Lens::Action, from);
        let assessment = standing.and_then(|standing| standing.verdict(account, test));
        let price = standing::figure("nextPrice", next.value.into(), Unit::WAD);
        Some(NextPrice { price, from, assessment })
    }

    /// A debt below dust, with fees to then: no call leaves one, but governance may raise dust above vaults that there are.
    fn below_least(&self, account: &Account, at: Time) -> Option<[Figure; 2]> {
        let position = Position::of(account).ok().filter(|position| position.art != U256::ZERO)?;
        let (state, dust) = (&self.numbers.state, self.numbers.rules.dust);
        let rate = self.numbers.drip(&mut plimsoll_core::Silent, at).map_or(state.rate, |state| state.rate);
        let tab = position.art.mul(rate).filter(|tab| *tab < dust)?;
        Some(
            [("debt", tab), ("dust", dust)]
                .map(|(name, value)| standing::figure(name, value.into(), numbers::RAD)),
        )
    }

    fn running(&self, at: Time) -> Vec<Running> {
        let one = |(number, auction): (u64, &Auction)| {
            let figure = standing::figure;
            let (asks, open) = match self.revision {
                Revision::V2_0 => match self.status(number, at) {
                    Ok(Status { price, ran_out }) => {
                        let stopped = self.numbers.rules.dutch.stopped >= 3;
                        let open = match (stopped, ran_out) {
                            (true, _) => Err(Refusal::AuctionsStopped),
                            (false, true) => Err(Refusal::AuctionRanOut),
                            (false, false) => Ok(()),
                        };
                        (Ok(figure("price", price.into(), Unit::RAY)), open)
                    }
                    Err(refusal) => (Err(refusal), Err(refusal)),
                },
                _ => {
                    let open =
                        if english::takes_bids(auction, at) { Ok(()) } else { Err(Refusal::BiddingOver) };
                    (Ok(figure("bid", auction.bid.into(), RAD)), open)
                }
            };
            let raises = figure("tab", auction.tab.into(), RAD);
            Running { number, account: auction.usr, lot: (GEM, auction.lot), raises, asks, open }
        };
        self.auctions().map(one).collect()
    }

    fn undelayed(&self) -> Option<Box<dyn plimsoll_core::Market>> {
        let mut market = self.clone();
        market.numbers.rules.hop = 0;
        // What is stored is of before.
        market.numbers.state.spot = U256::ZERO;
        Some(Box::new(market))
    }

    /// With the least spot that can be brought about now.
    fn still(&self, feeds: Feeds<'_>, at: Time) -> Option<Box<dyn plimsoll_core::Market>> {
        self.numbers.passes()?;
        let mut market = self.clone();
        let Ways { sure, unknown } = self.numbers.ways(feeds.get(0), at);
        let least = sure.iter().min_by_key(|way| way.spot).filter(|_| unknown.is_none());
        if let Some(way) = least {
            (market.numbers.state.spot, market.numbers.state.current) = (way.spot, way.found);
        }
        market.numbers.rules.osm_stopped = true;
        Some(Box::new(market))
    }

    /// After a drip and the pokes that make the least spot.
    fn foreseen(
        &self,
        feeds: Feeds<'_>,
        at: Time,
    ) -> Option<Result<Box<dyn plimsoll_core::Market>, Refusal>> {
        if !self.numbers.rules.live {
            return None;
        }
        let Ways { sure, unknown } = self.numbers.ways(feeds.get(0), at);
        if let Some(refusal) = unknown {
            return Some(Err(refusal));
        }
        let mut market = self.clone();
        market.numbers.state = self.numbers.drip(&mut Silent, at).unwrap_or(self.numbers.state);
        market.numbers.state.spot = sure.iter().map(|way| way.spot).min()?;
        Some(Ok(Box::new(market)))
    }

    /// The spot, by which vaults are judged until somebody pokes; at a delayed oracle its price in force and its next.
    fn kept(&self) -> Vec<Figure> {
        let State { spot, current, next, .. } = self.numbers.state;
        let mut kept = vec![standing::figure("spot", spot.into(), Unit::RAY)];
        if self.numbers.rules.hop != 0 {
            let valid =
                [("current_price", current), ("next_price", next)].into_iter().filter(|(_, it)| it.valid);
            kept.extend(valid.map(|(name, it)| standing::figure(name, it.value.into(), Unit::WAD)));
        }
        kept
    }

    fn nature(&self, cell: Cell) -> Nature {
        match cell {
            Cell { object: 0, field } if field < RULES => Nature::Rule,
            Cell { object: 0, field } if PRICES.contains(&FIELDS[usize::from(field)].name) => Nature::Price,
            _ => Nature::State,
        }
    }

    /// The spot is what the last poke made of a price: where the later one was poked under its own rules, so is this.
    fn kept_under(&self, later: &dyn plimsoll_core::Market) -> Vec<(Cell, Int)> {
        let mut then = self.numbers;
        later.visit(&mut |cell, _, _, value| {
            if cell.object == 0 {
                // What one market shows the other of the same kind takes.
                let _ = table::set(FIELDS, &mut then, cell.field, Some(&value));
            }
        });
        let mut numbers = self.numbers;
        numbers.state.spot = self.numbers.spot_under(&then);
        let mut kept = Vec::new();
        table::visit(FIELDS, 0, &numbers, &mut |cell, name, _, value| {
            if PRICES.contains(&name) {
                kept.push((cell, value));
            }
        });
        kept
    }

    /// A changed rule moves the epoch. A number of an auction that does not run yet begins it.
    fn set(&mut self, cell: Cell, value: Option<Int>) -> Result<(), Refusal> {
        if cell.object == 0 {
            table::set(FIELDS, &mut self.numbers, cell.field, value.as_ref())?;
            if cell.field < RULES {
                self.move_epoch();
            }
            return Ok(());
        }
        if value.is_none() {
            return self.auctions.remove(&cell.object).map(|_| ()).ok_or(Refusal::NoSuchCell);
        }
        let mut auction = self.auctions.get(&cell.object).copied().unwrap_or_default();
        table::set(AUCTION, &mut auction, cell.field, value.as_ref())?;
        self.auctions.insert(cell.object, auction);
        Ok(())
    }

    fn visit(&self, see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
        table::visit(FIELDS, 0, &self.numbers, see);
        for (number, auction) in &self.auctions {
            table::visit(AUCTION, *number, auction, see);
        }
    }

    fn names(&self) -> Vec<(u64, &'static str, String)> {
        let [gem, dai, currency] = &self.names;
        vec![(0, "gem", gem.clone()), (0, "dai", dai.clone()), (0, "currency", currency.clone())]
    }

    fn move_epoch(&mut self) {
        self.epoch = self.epoch.saturating_add(1);
    }

    fn boxed_clone(&self) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.clone())
    }
}

// ---- opening --------------------------------------------------------------------------------------------------

/// The venue's name in files.
pub const NAME: &str = "maker";

/// Opens Maker's markets.
#[derive(Clone, Copy, Debug)]
pub struct Maker;

impl plimsoll_core::Venue for Maker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn revisions(&self) -> &'static [&'static str] {
        REVISION_NAMES
    }

    fn open(&self, bytes: &[u8]) -> Result<Box<dyn plimsoll_core::Market>, Refusal> {
        let encoded = Encoded::read(bytes).ok_or(Refusal::NoSuchCell)?;
        let revision = REVISIONS.into_iter().find(|revision| revision.name() == encoded.revision);
        let revision = revision.filter(|_| encoded.venue == NAME).ok_or(Refusal::NotAtThisVenue)?;
        let [(0, gem_key, gem), (0, dai_key, dai), (0, currency_key, currency)] = encoded.names.as_slice()
        else {
            return Err(Refusal::NoSuchCell);
        };
        if [gem_key, dai_key, currency_key] != ["gem", "dai", "currency"] {
            return Err(Refusal::NoSuchCell);
        }
        // Any row will do to be filled: every field is written below.
        let mut numbers = Numbers { rules: Parameters::default(), state: State::default() };
        let mut rest = table::fill(FIELDS, 0, &mut numbers, &encoded.cells)?;
        let names = Names { gem, dai, currency };
        let mut market = Market::new(revision, names, numbers.rules, numbers.state)?;
        let mut last = 0;
        while let Some((cell, _)) = rest.first() {
            if cell.object <= last {
                return Err(Refusal::NoSuchCell);
            }
            last = cell.object;
            let mut auction = Auction::default();
            rest = table::fill(AUCTION, last, &mut auction, rest)?;
            market = market.with_auction(last, auction)?;
        }
        Ok(Box::new(Market { epoch: encoded.epoch, ..market }))
    }
}
