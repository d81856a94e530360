//! A market with a hole: taking collateral out asks nobody about health.

use super::scene::{ID, Scene, USUAL, config};
use plimsoll_core::{
    Account, Accounts, Action, Amount, Book, Call, Cell, Compiled, Counting, Effects, Feeds, Instrument,
    InstrumentId, Int, Lens, Market, NodeSpec, Party, PriceSlot, Question, Quoted, Refusal, TermSpec, Time,
    Trace, Unit, Venue,
};
use plimsoll_engine::disk::Disk;
use plimsoll_margin::market::Cross;

struct Leaky(Box<dyn Market>);

impl Market for Leaky {
    fn venue(&self) -> (&'static str, &'static str) {
        self.0.venue()
    }
    fn epoch(&self) -> u64 {
        self.0.epoch()
    }
    fn instruments(&self) -> &[Instrument] {
        self.0.instruments()
    }
    fn slots(&self) -> &[PriceSlot] {
        self.0.slots()
    }
    fn nodes(&self) -> &[NodeSpec] {
        self.0.nodes()
    }
    fn terms(&self) -> &[TermSpec] {
        self.0.terms()
    }
    fn updated(&self) -> Time {
        self.0.updated()
    }
    fn at<'m>(&'m self, feeds: Feeds<'_>, lens: Lens, at: Time) -> Result<Box<dyn Quoted + 'm>, Refusal> {
        self.0.at(feeds, lens, at)
    }
    fn compile(&self, account: &Account, question: Question) -> Result<Compiled, Refusal> {
        self.0.compile(account, question)
    }
    fn counting(&self, account: &Account, instrument: InstrumentId) -> Result<Counting, Refusal> {
        self.0.counting(account, instrument)
    }
    fn act(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        t: &mut dyn Trace,
    ) -> Result<Effects, Refusal> {
        let Action::Withdraw { from, amount: Amount::Assets(amount) } = call.action else {
            return self.0.act(call, accounts, feeds, t);
        };
        let held = accounts.get(call.account).map_or(Int::ZERO, |account| account.quantity(from));
        if held < Int::from(amount) {
            return Err(Refusal::NothingHeld(from));
        }
        let mut effects = Effects::default();
        effects.flow(from, amount, Party::Account(call.account), Party::Wallet(call.actor));
        Ok(effects)
    }
    fn set(&mut self, cell: Cell, value: Option<Int>) -> Result<(), Refusal> {
        self.0.set(cell, value)
    }
    fn visit(&self, see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
        self.0.visit(see);
    }
    fn names(&self) -> Vec<(u64, &'static str, String)> {
        self.0.names()
    }
    fn move_epoch(&mut self) {
        self.0.move_epoch();
    }
    fn boxed_clone(&self) -> Box<dyn Market> {
        Box::new(Leaky(self.0.boxed_clone()))
    }
}

struct Hole;

impl Venue for Hole {
    fn name(&self) -> &'static str {
        Cross.name()
    }
    fn revisions(&self) -> &'static [&'static str] {
        Cross.revisions()
    }
    fn open(&self, bytes: &[u8]) -> Result<Box<dyn Market>, Refusal> {
        Ok(Box::new(Leaky(Cross.open(bytes)?)))
    }
}

/// The desk, with the hole.
pub(super) fn desk(book: &Book) -> Scene {
    let founding = plimsoll_engine::founding::founding(book, config(book), &USUAL);
    Scene::with(Disk::new(1), ID, book, founding, &[&Hole])
}
