//! Judging with doubtful prices, at a market of two assets that is nothing but its rule.

use plimsoll_core::{
    Account, AccountId, Accounts, Assessment, Balance, Call, Cell, Certainty, Compiled, Counting, Effects,
    Feeds, Figure, Form, Instrument, InstrumentId, Int, Lens, Linear, Market, Node, NodeId, NodeSpec,
    PriceSlot, Question, Quoted, Range, Reading, Refusal, Standing, TermSpec, Test, Time, Trace, U256, Unit,
    Valid, Verdict, Why,
};

/// Instrument i is worth price i; what is held of it backs, what is owed (negative) is required; healthy while the
/// sum is not negative. With `hinge`, what is held of the first asset above 100 counts only half. The venue rounds its
/// requirement up by as much as `rounds`, which its form says as slack.
#[derive(Clone)]
struct Scales {
    slots: Vec<PriceSlot>,
    nodes: Vec<NodeSpec>,
    hinge: bool,
    rounds: i128,
}

fn scales() -> Scales {
    let slot = |asset: &str| PriceSlot {
        asset: asset.into(),
        currency: "USD".into(),
        decimals: 0,
        highest: U256::new(1_000_000),
    };
    let node = |slot: usize| NodeSpec { name: format!("price {slot}"), slot: Some(slot) };
    Scales { slots: vec![slot("A"), slot("B")], nodes: vec![node(0), node(1)], hinge: false, rounds: 0 }
}

struct At {
    nodes: Vec<Result<Node, Why>>,
    rounds: i128,
}

impl At {
    fn sum(&self, account: &Account) -> Result<(Int, Int), Refusal> {
        let (mut backing, mut requirement) = (Int::ZERO, Int::ZERO);
        for holding in account.holdings() {
            let slot = holding.instrument.index();
            let node = *self.nodes.get(slot).ok_or(Refusal::NoSuchInstrument(holding.instrument))?;
            let price = node.map_err(|why| Refusal::PriceUnknown { slot, why })?.mantissa;
            let value = price.mul(holding.quantity).ok_or(Refusal::Overflow("value"))?;
            let side = if value.is_negative() { &mut requirement } else { &mut backing };
            *side = side.add(Int::from(value.magnitude())).ok_or(Refusal::Overflow("sum"))?;
        }
        let requirement = requirement.add(Int::new(self.rounds)).ok_or(Refusal::Overflow("sum"))?;
        Ok((backing, requirement))
    }
}

impl Quoted for At {
    fn nodes(&self) -> &[Result<Node, Why>] {
        &self.nodes
    }

    fn assess(&self, account: &Account, _: Test, _: &mut dyn Trace) -> Result<Assessment, Refusal> {
        self.verdict(account, Test::Liquidation)
    }

    fn verdict(&self, account: &Account, _: Test) -> Result<Assessment, Refusal> {
        let (backing, requirement) = self.sum(account)?;
        let owes = account.holdings().iter().any(|holding| holding.quantity.is_negative());
        let verdict = match (owes, backing >= requirement) {
            (false, _) => Verdict::NoDebt,
            (true, true) => Verdict::Healthy,
            (true, false) => Verdict::Unhealthy,
        };
        let (collateral, debt, unit, executable) = (backing, requirement, Unit::NUMBER, Ok(()));
        Ok(Assessment { verdict, backing, requirement, collateral, debt, unit, executable })
    }

    fn over(&self, _: &Account, _: &Account, _: Test, _: Feeds<'_>) -> Result<Range, Refusal> {
        Err(Refusal::NotAtThisVenue)
    }

    fn figures(&self, _: &Account) -> Result<Vec<Figure>, Refusal> {
        Ok(vec![])
    }

    fn balance(&self, _: &Account, _: InstrumentId) -> Result<Balance, Refusal> {
        Err(Refusal::NotAtThisVenue)
    }
}

impl Market for Scales {
    fn venue(&self) -> (&'static str, &'static str) {
        ("scales", "1")
    }
    fn epoch(&self) -> u64 {
        0
    }
    fn instruments(&self) -> &[Instrument] {
        &[]
    }
    fn slots(&self) -> &[PriceSlot] {
        &self.slots
    }
    fn nodes(&self) -> &[NodeSpec] {
        &self.nodes
    }
    fn terms(&self) -> &[TermSpec] {
        &[]
    }
    fn updated(&self) -> Time {
        Time(0)
    }

    fn at<'m>(&'m self, feeds: Feeds<'_>, _: Lens, _: Time) -> Result<Box<dyn Quoted + 'm>, Refusal> {
        let node =
            |slot: usize| feeds.get(slot).value.map(|price| Node::exact(price.into())).ok_or(Why::Missing);
        Ok(Box::new(At { nodes: (0..2).map(node).collect(), rounds: self.rounds }))
    }

    fn compile(&self, account: &Account, _: Question) -> Result<Compiled, Refusal> {
        let mut form = Form { scale: U256::ONE, valid: Valid::default(), ..Form::default() };
        let mut owes = false;
        for holding in account.holdings() {
            let (node, quantity) = (NodeId(holding.instrument.0), holding.quantity);
            if holding.instrument.0 > 1 {
                return Ok(Compiled::Opaque);
            }
            owes |= quantity.is_negative();
            let (part, quantity) = match quantity.is_negative() {
                true => (&mut form.requirement, quantity.neg()),
                false => (&mut form.backing, quantity),
            };
            *part = std::mem::take(part).plus(node, quantity).ok_or(Refusal::Overflow("coefficient"))?;
        }
        if self.hinge {
            form.hinges.push(Linear { terms: vec![(NodeId(0), Int::ONE)], constant: Int::new(-100) });
        }
        form.slack.constant = Int::new(self.rounds);
        Ok(if owes { Compiled::Rows(vec![form]) } else { Compiled::NoDebt })
    }

    fn counting(&self, _: &Account, _: InstrumentId) -> Result<Counting, Refusal> {
        Err(Refusal::NotAtThisVenue)
    }

    fn act(&self, _: &Call, _: &dyn Accounts, _: Feeds<'_>, _: &mut dyn Trace) -> Result<Effects, Refusal> {
        Err(Refusal::NotAtThisVenue)
    }
    fn set(&mut self, _: Cell, _: Option<Int>) -> Result<(), Refusal> {
        Err(Refusal::NoSuchCell)
    }
    fn visit(&self, _: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {}
    fn names(&self) -> Vec<(u64, &'static str, String)> {
        vec![]
    }
    fn move_epoch(&mut self) {}
    fn boxed_clone(&self) -> Box<dyn Market> {
        Box::new(self.clone())
    }
}

fn holds(a: i128, b: i128) -> Account {
    Account::new(AccountId(1)).with(InstrumentId(0), Int::new(a)).with(InstrumentId(1), Int::new(b))
}

fn certain(price: u128) -> Reading {
    Reading::certain(U256::new(price))
}

fn between(value: Option<u128>, low: u128, high: Option<u128>, why: Why) -> Reading {
    let whole = |value: u128| U256::new(value);
    Reading { value: value.map(whole), doubt: Some(why), low: U256::new(low), high: high.map(whole) }
}

fn judged(market: &Scales, readings: &[Reading], account: &Account) -> (Certainty, Option<Verdict>) {
    let standing = Standing::new(market, readings, Lens::Action, Time(0)).expect("it stands");
    let judgement = standing.judge(account, Test::Liquidation);
    (judgement.certainty, judgement.verdict())
}

fn why_of(certainty: Certainty) -> (&'static str, Option<Why>) {
    match certainty {
        Certainty::Certain => ("certain", None),
        Certainty::NoDebt => ("no debt", None),
        Certainty::Safe { why, .. } => ("safe", Some(why)),
        Certainty::Unsafe(why) => ("unsafe", Some(why)),
        Certainty::Undetermined(why) => ("undetermined", Some(why)),
        Certainty::Unanswered => ("unanswered", None),
    }
}

/// Ten of A against ten of B at 100: what can be said follows from both ends of A's price.
#[test]
fn a_doubtful_price_is_judged_by_its_ends() {
    let account = holds(10, -10);
    let cases = [
        (certain(100), "certain", None, Some(Verdict::Healthy)),
        (certain(99), "certain", None, Some(Verdict::Unhealthy)),
        (between(Some(120), 100, Some(150), Why::Stale), "safe", Some(Why::Stale), Some(Verdict::Healthy)),
        (between(Some(120), 99, Some(150), Why::Stale), "undetermined", Some(Why::Stale), None),
        (
            between(Some(80), 0, Some(99), Why::AtBound),
            "unsafe",
            Some(Why::AtBound),
            Some(Verdict::Unhealthy),
        ),
        (between(Some(80), 0, Some(100), Why::AtBound), "undetermined", Some(Why::AtBound), None),
        (between(None, 100, None, Why::Missing), "safe", Some(Why::Missing), Some(Verdict::Healthy)),
        (between(None, 0, None, Why::Missing), "undetermined", Some(Why::Missing), None),
    ];
    for (reading, name, why, verdict) in cases {
        let (certainty, found) = judged(&scales(), &[reading, certain(100)], &account);
        assert_eq!((why_of(certainty), found), ((name, why), verdict), "{reading:?}");
    }
}

/// The price of what is owed, too; and an unbounded one reaches the slot's highest.
#[test]
fn a_doubtful_debt_is_judged_by_its_ends() {
    let account = holds(10, -10);
    for (reading, name) in [
        (between(Some(100), 50, Some(100), Why::Confidence), "safe"),
        (between(Some(100), 50, Some(101), Why::Confidence), "undetermined"),
        (between(Some(200), 101, None, Why::Stale), "unsafe"),
        (between(Some(100), 1, None, Why::Stale), "undetermined"),
    ] {
        let (certainty, _) = judged(&scales(), &[certain(100), reading], &account);
        assert_eq!(why_of(certainty).0, name, "{reading:?}");
    }
    let rich = holds(2_000_000, -1);
    let (certainty, _) = judged(&scales(), &[certain(1), between(None, 0, None, Why::Missing)], &rich);
    assert_eq!(why_of(certainty).0, "safe", "the highest price that anybody asks about is a million");
}

/// A dead feed of something that nobody holds, of an account without debt, or on both sides of it, blocks nothing.
#[test]
fn a_dead_feed_of_what_is_not_held_blocks_nothing() {
    let dead = Reading::unknown(None, Why::Stale);
    let readings = [certain(100), dead];
    assert_eq!(why_of(judged(&scales(), &readings, &holds(10, 0)).0).0, "no debt");
    assert_eq!(why_of(judged(&scales(), &readings, &holds(-10, 0)).0), ("certain", None));
    let (certainty, verdict) = judged(&scales(), &readings, &holds(0, 5));
    assert_eq!((why_of(certainty).0, verdict), ("no debt", Some(Verdict::NoDebt)));
    // Owed and held of the same thing: the price is in the row, at its two ends, and decides nothing.
    let standing = Standing::new(&scales(), &readings, Lens::Action, Time(0)).map(|standing| standing.time());
    assert_eq!(standing, Ok(Time(0)));
}

/// The ends of different prices are chosen apart: A at its lowest with B at its highest.
#[test]
fn every_price_is_at_its_own_worst() {
    let account = holds(10, -10);
    let both = |low, high| between(Some(100), low, Some(high), Why::Confidence);
    let (certainty, _) = judged(&scales(), &[both(90, 110), both(80, 95)], &account);
    assert_eq!(why_of(certainty).0, "undetermined", "at 90 against 95 it is unhealthy");
    let (certainty, verdict) = judged(&scales(), &[both(90, 110), both(80, 90)], &account);
    assert_eq!((why_of(certainty).0, verdict), ("safe", Some(Verdict::Healthy)));
}

/// How healthy at least: least backing over greatest requirement.
#[test]
fn safe_says_how_safe_at_least() {
    let reading = between(Some(200), 150, Some(300), Why::Confidence);
    let (certainty, _) = judged(&scales(), &[reading, certain(100)], &holds(10, -10));
    assert_eq!(certainty, Certainty::Safe { why: Why::Confidence, at_least: 150 });
}

/// Safe once said 9 100 % here: it took the slack of the requirement a hundredfold, where the requirement itself was taken
/// 9 100 times. Ten of A at 100 against one of B at 10, which the venue rounds up by 90 to 100: exactly 1 000 %.
#[test]
fn safe_says_no_more_than_roundings_leave() {
    let market = Scales { rounds: 90, ..scales() };
    let (readings, account) = ([between(Some(100), 100, Some(100), Why::Stale), certain(10)], holds(10, -1));
    let exact = market.at(Feeds { readings: &readings }, Lens::Action, Time(0)).expect("it stands");
    let exact = exact.verdict(&account, Test::Liquidation).expect("a verdict");
    assert_eq!((exact.backing, exact.requirement), (Int::new(1_000), Int::new(100)));
    let (certainty, _) = judged(&market, &readings, &account);
    assert_eq!(certainty, Certainty::Safe { why: Why::Stale, at_least: 1_000 });
}

/// A price without value is missing, whatever its source says of it.
#[test]
fn a_price_without_value_is_missing() {
    let silent = |low| Reading { doubt: None, ..between(None, low, None, Why::Missing) };
    for (low, name) in [(100, "safe"), (99, "undetermined")] {
        let (certainty, _) = judged(&scales(), &[silent(low), certain(100)], &holds(10, -10));
        assert_eq!(why_of(certainty), (name, Some(Why::Missing)));
    }
}

/// Where the venue's integers do not hold the account there is no verdict, though a row, which has more room, would be
/// surely healthy: 2^254 of one asset at 100.
#[test]
fn an_account_that_does_not_fit_is_unanswered() {
    let endless = Int::from(U256::ZERO.with_bit(254, true));
    let of = |a, b| Account::new(AccountId(1)).with(InstrumentId(0), a).with(InstrumentId(1), b);
    let unsure = || between(Some(100), 50, Some(100), Why::Confidence);
    let missing = || between(None, 0, None, Why::Missing);
    for (readings, account) in [
        ([certain(100), unsure()], of(endless, Int::new(-10))),
        ([certain(100), missing()], of(endless, Int::new(-10))),
        // The venue stops at the missing price before it comes to the other.
        ([missing(), certain(100)], of(Int::new(-10), endless)),
    ] {
        let market = scales();
        let standing = Standing::new(&market, &readings, Lens::Action, Time(0)).expect("it stands");
        let judgement = standing.judge(&account, Test::Liquidation);
        assert_eq!(judgement.certainty, Certainty::Unanswered, "{readings:?}");
        assert!(matches!(judgement.own, Err(Refusal::Overflow(_))), "{:?}", judgement.own);
        assert_eq!(judgement.verdict(), None);
    }
    // A missing price alone is no such reason.
    let (certainty, _) =
        judged(&scales(), &[between(None, 100, None, Why::Missing), certain(1)], &holds(10, -1));
    assert_eq!(why_of(certainty).0, "safe");
}

/// A hinge takes away at its worst: at A's highest price, where 10 x 200 - 1 x (200 - 100) are left.
#[test]
fn hinges_are_taken_at_their_worst() {
    let market = Scales { hinge: true, ..scales() };
    let account = |owed: i128| holds(1, -owed);
    let reading = between(Some(100), 100, Some(200), Why::Confidence);
    // Least backing 100, greatest hinge 100: nothing is left for certain.
    let (certainty, _) = judged(&market, &[reading, certain(1)], &account(1));
    assert_eq!(why_of(certainty).0, "undetermined");
    let narrow = between(Some(90), 90, Some(100), Why::Confidence);
    let (certainty, _) = judged(&market, &[narrow, certain(1)], &account(90));
    assert_eq!(why_of(certainty).0, "safe");
}

/// Without a row nothing is proven: any doubt in the market is the account's.
#[test]
fn without_a_row_every_doubt_counts() {
    let opaque = Account::new(AccountId(1)).with(InstrumentId(7), Int::new(-1));
    let dead = Reading::unknown(None, Why::Stale);
    let (certainty, verdict) = judged(&scales(), &[certain(1), dead], &opaque);
    assert_eq!((why_of(certainty), verdict), (("undetermined", Some(Why::Stale)), None));
}
