//! A plan does what it says, through the exact markets, and nothing cheaper is found by trying.

#![allow(clippy::expect_used, clippy::float_arithmetic)] // a book that cannot be read has failed the test; the grid is counted in floats

mod common;

use common::{Dice, example, place, readings, small};
use plimsoll::{Binding, Broken, Doing, Plan, PlanAsk, PlanStep, Planned, plan};
use plimsoll_core::{
    Action, Amount, Assessment, Book, Call, Decimal, Depth, DepthCurve, Feeds, Gas, Int, Kind, Lens, Party,
    Refusal, Silent, Test, U256, Verdict,
};
use plimsoll_venues::aave_v3::Revision;
use std::collections::BTreeMap;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn ask<'a>(
    accounts: Vec<usize>,
    target: &str,
    wallet: &[(&str, &str)],
    depth: Option<&'a Depth>,
) -> PlanAsk<'a> {
    PlanAsk {
        accounts,
        target: decimal(target),
        wallet: wallet.iter().map(|(asset, amount)| ((*asset).to_string(), decimal(amount))).collect(),
        depth,
        gas: None,
        currency: "USD".into(),
        carry: decimal("0"),
        floor: decimal("1"),
    }
}

/// Curves of assets at a price of one: so much loses such a part.
fn depth(assets: &[(&str, &[[&str; 2]])], gas: &str) -> Depth {
    let curve = |(asset, points): &(&str, &[[&str; 2]])| DepthCurve {
        assets: vec![(*asset).to_string()],
        against: Vec::new(),
        price: decimal("1"),
        points: points.iter().map(|[sold, got]| [decimal(sold), decimal(got)]).collect(),
    };
    Depth {
        name: "test".into(),
        sources: Vec::new(),
        curves: assets.iter().map(curve).collect(),
        gas: vec![Gas { currency: vec!["USD".into(), "ETH".into(), "USDC".into()], amount: decimal(gas) }],
        recovers: decimal("0"),
    }
}

/// A curve for every asset of a book: a little is lost on the first of it and more on the rest.
fn everywhere(book: &Book, gas: &str) -> Depth {
    let mut names: Vec<&str> = Vec::new();
    for listed in &book.markets {
        for spec in listed.market.instruments() {
            if !names.contains(&spec.asset.as_str()) {
                names.push(&spec.asset);
            }
        }
    }
    let points: &[[&str; 2]] =
        &[["50", "49.9"], ["2000", "1980"], ["1000000", "950000"], ["9000000000", "5000000000"]];
    depth(&names.iter().map(|name| (*name, points)).collect::<Vec<_>>(), gas)
}

/// The book in which whoever pays has what he pays.
fn endowed(book: &Book) -> Book {
    let mut book = book.clone();
    for listed in &mut book.markets {
        if let Some(endowed) = listed.market.endowed() {
            listed.market = endowed;
        }
    }
    book
}

fn seen(book: &Book, account: usize) -> Result<Assessment, Refusal> {
    let listed = &book.accounts[account];
    let readings = readings(book, listed.market, book.at);
    let market = &*book.markets[listed.market].market;
    market
        .at(Feeds { readings: &readings }, Lens::Action, book.at)?
        .verdict(&listed.account, Test::Liquidation)
}

/// backing / requirement >= target, without dividing.
fn reaches(seen: &Assessment, target: Decimal) -> bool {
    let power = U256::pow10(target.decimals).expect("256 bits");
    seen.verdict == Verdict::NoDebt
        || seen.backing.mul_wide(Int::from(power)) >= seen.requirement.mul_wide(target.mantissa)
}

/// One action on a book, apart from what is tested: the book afterwards, and what its owner's wallet pays and receives.
type Done = (Book, BTreeMap<String, (u8, U256, U256)>);

fn act(book: &Book, account: usize, action: &Action) -> Result<Done, Refusal> {
    let listed = &book.accounts[account];
    let readings = readings(book, listed.market, book.at);
    let market = &*book.markets[listed.market].market;
    let ask = |actor| {
        let call = Call { actor, account: listed.account.id, at: book.at, action: action.clone() };
        market.act(&call, book, Feeds { readings: &readings }, &mut Silent).map(|effects| (actor, effects))
    };
    let (actor, effects) = ask(listed.account.id).or_else(|_| ask(book.caller(account)))?;
    let mut moved: BTreeMap<String, (u8, U256, U256)> = BTreeMap::new();
    for flow in &effects.flows {
        let spec = &market.instruments()[flow.instrument.index()];
        let digits = market.instruments().iter().find(|i| i.kind == Kind::Asset && i.asset == spec.asset);
        let digits = digits.map_or(spec.decimals, |i| i.decimals);
        let entry = moved.entry(spec.asset.clone()).or_insert((digits, U256::ZERO, U256::ZERO));
        if flow.from == Party::Wallet(actor) {
            entry.1 = entry.1.add(flow.amount).expect("256 bits");
        }
        if flow.to == Party::Wallet(actor) {
            entry.2 = entry.2.add(flow.amount).expect("256 bits");
        }
    }
    Ok((common::after(book, listed.market, book.at, &effects), moved))
}

/// How the account alone would stand after one action; `None` where it is not taken.
fn then(book: &Book, account: usize, action: &Action) -> Option<Assessment> {
    let listed = &book.accounts[account];
    let readings = readings(book, listed.market, book.at);
    let feeds = Feeds { readings: &readings };
    let mut market = book.markets[listed.market].market.boxed_clone();
    let call = |actor| Call { actor, account: listed.account.id, at: book.at, action: action.clone() };
    let ask = |actor| market.act(&call(actor), book, feeds, &mut Silent);
    let effects = ask(listed.account.id).or_else(|_| ask(book.caller(account))).ok()?;
    market.apply(&effects).ok()?;
    let after = effects.apply_to(&listed.account)?;
    market.at(feeds, Lens::Action, book.at).ok()?.verdict(&after, Test::Liquidation).ok()
}

/// So much in 10^-36 of whole tokens: finer than any asset.
fn fine(raw: U256, digits: u8) -> U256 {
    raw.mul(U256::pow10(36 - digits).expect("a power")).expect("256 bits")
}

/// What was met.
#[derive(Debug, Default)]
struct Count {
    plans: u64,
    empty: u64,
    steps: u64,
    short: u64,
    unknown: u64,
    unproven: u64,
    kinds: BTreeMap<&'static str, u64>,
    smaller: u64,
}

/// Does a plan step by step: healthy at each, the wallet never below nothing, the target in the end; and no smaller amount of
/// any account's last step.
fn walk(dice: &mut Dice, book: &Book, ask: &PlanAsk<'_>, found: &Plan, count: &mut Count) {
    let mut world = endowed(book);
    let mut purse: BTreeMap<String, U256> = BTreeMap::new();
    for (asset, amount) in &ask.wallet {
        let held = purse.entry(asset.clone()).or_default();
        *held = held.add(amount.scaled_amount(36).expect("an amount")).expect("256 bits");
    }
    let mut last: BTreeMap<usize, (usize, Book)> = BTreeMap::new();
    for (at, step) in found.steps.iter().enumerate() {
        *count.kinds.entry(step.doing.word()).or_default() += 1;
        count.steps += 1;
        let Some(account) = step.account else {
            let Doing::Swap { from, to, amount, at_least } = &step.doing else { panic!("{step:?}") };
            let digits = |list: &[(String, u8, U256)]| list.first().expect("an amount").1;
            let paid = fine(*amount, digits(&step.paid));
            let left = purse.get(from).copied().unwrap_or_default().sub(paid);
            purse.insert(from.clone(), left.expect("the wallet has what it sells"));
            let has = purse.entry(to.clone()).or_default();
            *has = has.add(fine(*at_least, digits(&step.received))).expect("256 bits");
            continue;
        };
        last.insert(account, (at, world.clone()));
        let before = seen(&world, account).expect("a verdict");
        let action = step.doing.action().expect("an action");
        let (next, moved) = act(&world, account, &action).expect("the venue takes it");
        for (asset, (digits, paid, received)) in moved {
            let has = purse.entry(asset.clone()).or_default();
            let more = has.add(fine(received, digits)).expect("256 bits");
            *has =
                more.sub(fine(paid, digits)).unwrap_or_else(|| panic!("the wallet has no {asset}: {step:?}"));
        }
        let after = seen(&next, account).expect("a verdict");
        let no_worse = before.verdict == Verdict::Unhealthy
            && after.backing.mul_wide(before.requirement) >= before.backing.mul_wide(after.requirement);
        assert!(after.verdict != Verdict::Unhealthy || no_worse, "below the line after {step:?}");
        let falls = after.backing.mul_wide(before.requirement) < before.backing.mul_wide(after.requirement);
        assert!(reaches(&after, ask.floor) || !falls, "down below the floor after {step:?}");
        world = next;
    }
    for &account in &ask.accounts {
        let seen = seen(&world, account).expect("a verdict");
        assert!(reaches(&seen, ask.target), "{} is short: {found:#?}", book.accounts[account].name);
    }
    for (account, (at, before)) in last {
        if found.proven {
            no_smaller(dice, ask, &found.steps[at], account, &before, count);
        }
    }
    count.unproven += u64::from(!found.proven);
}

/// No smaller amount of a step reaches the target.
fn no_smaller(
    dice: &mut Dice,
    ask: &PlanAsk<'_>,
    step: &PlanStep,
    account: usize,
    before: &Book,
    count: &mut Count,
) {
    // A step that gives to another account is not the one that reaches.
    let whole = match &step.doing {
        Doing::Deposit { amount: Amount::Assets(raw), .. }
        | Doing::Repay { amount: Amount::Assets(raw), .. } => *raw,
        Doing::Repay { amount: Amount::All, .. } => step.paid.first().expect("paid").2,
        Doing::Fill { quantity, .. } => quantity.magnitude(),
        _ => return,
    };
    let mut smaller: Vec<U256> = (1..=12_u64).filter_map(|less| whole.sub(U256::from(less))).collect();
    let mut step_down = U256::new(64);
    while step_down < whole {
        smaller.push(whole.sub_or_zero(step_down));
        let part = U256::from(1300 + dice.below(2000));
        step_down =
            step_down.mul_div(part, U256::from(900_u64), plimsoll_core::Rounding::Up).expect("256 bits");
    }
    for raw in smaller.into_iter().filter(|raw| *raw != U256::ZERO) {
        let action = match step.doing {
            Doing::Deposit { into, .. } => Action::Deposit { into, amount: Amount::Assets(raw) },
            Doing::Repay { debt, .. } => Action::Repay { debt, amount: Amount::Assets(raw) },
            Doing::Fill { instrument, quantity, price } => {
                Action::Fill { instrument, quantity: Int::from_parts(quantity.is_negative(), raw), price }
            }
            _ => return,
        };
        count.smaller += 1;
        let does = then(before, account, &action).is_some_and(|seen| reaches(&seen, ask.target));
        assert!(!does, "{raw} reaches it as well: {step:?}");
    }
}

fn judge(dice: &mut Dice, book: &Book, ask: &PlanAsk<'_>, count: &mut Count) -> Planned {
    let answer = plan(book, ask).expect("an answer");
    match &answer.outcome {
        Ok(found) => {
            count.plans += 1;
            count.empty += u64::from(found.steps.is_empty());
            walk(dice, book, ask, found, count);
            let again = found.replay(book, ask, true).expect("a replay");
            assert_eq!(again.broken, None, "{found:#?}");
        }
        Err(short) => {
            count.short += 1;
            count.unknown += u64::from(short.unknown.is_some());
        }
    }
    answer
}

/// A number of the environment, or what stands here.
fn said(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|words| words.parse().ok()).unwrap_or(usual)
}

/// Every plan applied step by step reaches its target, healthy at each step, and no smaller last step does: random accounts of all venues,
/// alone and as portfolios, at random prices, with random wallets, curves and gas. `PLIMSOLL_CASES` says how many.
#[test]
fn a_plan_reaches_its_target_and_no_smaller_last_step_does() {
    let (cases, seed) = (said("PLIMSOLL_CASES", 1_000), said("PLIMSOLL_SEED", 13));
    // Two halves, each with numbers of its own.
    let halves = [(seed, cases / 2), (seed ^ 0x5eed_0000, cases - cases / 2)];
    let counts: Vec<Count> = std::thread::scope(|scope| {
        let half = |(seed, cases)| scope.spawn(move || questions(seed, cases));
        let running = halves.map(half);
        running.into_iter().map(|half| half.join().expect("a half that failed is told above")).collect()
    });
    let mut count = Count::default();
    for half in counts {
        count.plans += half.plans;
        count.empty += half.empty;
        count.steps += half.steps;
        count.short += half.short;
        count.unknown += half.unknown;
        count.unproven += half.unproven;
        count.smaller += half.smaller;
        for (word, times) in half.kinds {
            *count.kinds.entry(word).or_default() += times;
        }
    }
    println!("{count:?}");
    println!("{} questions were answered", count.plans + count.short);
    if cases >= 1_000 {
        assert!(count.plans > 400 && count.short > 100 && count.smaller > 10_000, "{count:?}");
        for word in ["deposit", "repay", "withdraw", "borrow", "swap", "fill"] {
            assert!(count.kinds.get(word).is_some_and(|times| *times > 0), "no {word}: {count:?}");
        }
    }
}

/// So many random questions, each plan walked.
fn questions(seed: u64, cases: u64) -> Count {
    let mut dice = Dice(seed);
    let mut count = Count::default();
    let names = [
        "treasury",
        "lending",
        "maker",
        "liquity",
        "compound_v3",
        "hubs",
        "margin",
        "options",
        "crash",
        "wrapped",
    ];
    let books: Vec<Book> = names.iter().map(|name| example(name)).collect();
    let depths: Vec<Vec<Depth>> =
        books.iter().map(|book| ["0", "5", "200"].map(|gas| everywhere(book, gas)).into()).collect();
    let mut answered = 0;
    while answered < cases {
        let at = dice.below(books.len() as u64) as usize;
        let depth = dice.pick(&depths[at]);
        let assets: Vec<&str> = depth.curves.iter().map(|curve| curve.assets[0].as_str()).collect();
        let mut book = books[at].clone();
        // One price in three questions is another.
        let prices: Vec<&plimsoll_core::Price> = books[at]
            .graph
            .prices()
            .iter()
            .filter(|price| matches!(price.origin, plimsoll_core::Origin::Feed(_)))
            .collect();
        if !prices.is_empty() && dice.below(3) == 0 {
            let name = dice.pick(&prices).name.clone();
            let percent = *dice.pick(&["-25", "-9", "-2", "4", "30"]);
            let to = plimsoll::NewPrice::Percent(decimal(percent));
            let change = plimsoll::Change::Price { name, to };
            if let Ok(changed) = plimsoll::whatif_all(&book, &[change], &plimsoll::Ladder::default()) {
                book = changed.book;
            }
        }
        let account = dice.below(book.accounts.len() as u64) as usize;
        let target = *dice.pick(&["1.01", "1.1", "1.3", "1.5", "2", "3.25"]);
        let wallet: Vec<(&str, &str)> = (0..dice.below(3))
            .map(|_| (*dice.pick(&assets), *dice.pick(&["0.001", "1", "35", "2000", "150000", "30000000"])))
            .collect();
        let owner = &book.accounts[account].owner;
        let own: Vec<usize> =
            (0..book.accounts.len()).filter(|&place| book.accounts[place].owner == *owner).collect();
        let accounts = if dice.below(2) == 0 { vec![account] } else { own };
        let mut ask = ask(accounts, target, &wallet, Some(depth).filter(|_| dice.below(4) > 0));
        let floor = *dice.pick(&["1", "1", "1.01"]);
        ask.floor = decimal(floor);
        if plan(&book, &ask).is_err() {
            // The book cannot count it in dollars.
            ask.wallet.clear();
        }
        judge(&mut dice, &book, &ask, &mut count);
        answered += 1;
    }
    count
}

/// The cheapest of a grid of all that one account can do in up to three steps with two assets in the wallet: money out of the
/// wallet counts as cost, and every call costs. Values are counted apart from the plan's.
#[test]
fn no_cheaper_plan_is_found_on_a_grid() {
    let mut dice = Dice(131);
    let (mut plans, mut short, mut two) = (0, 0, 0);
    for round in 0..60 {
        let percent = 60 + dice.below(70);
        let revision = Revision::ALL[round % 8];
        let book = if round % 6 == 5 {
            small::isolated(&mut dice, percent)
        } else {
            small::pool(&mut dice, revision, percent)
        };
        let assets: Vec<(String, u8)> = book.markets[0]
            .market
            .instruments()
            .iter()
            .filter(|spec| spec.kind == Kind::Asset)
            .map(|spec| (spec.asset.clone(), spec.decimals))
            .collect();
        let mut wallet = Vec::new();
        for (asset, decimals) in assets.iter().take(2 + dice.below(2) as usize) {
            let most = if dice.below(3) == 0 { 300 } else { 9000 };
            let raw = 1 + dice.below(most);
            wallet.push((asset.clone(), Decimal { mantissa: Int::from(raw), decimals: *decimals }));
        }
        let target = *dice.pick(&["1.05", "1.2", "1.5"]);
        let mut question = ask(vec![0], target, &[], None);
        question.wallet = wallet.clone();
        question.carry = decimal("1");
        let gas = *dice.pick(&["0", "1", "50"]);
        question.gas = Some(decimal(gas));
        question.currency = book.markets[0].market.slots()[0].currency.clone();
        let mut count = Count::default();
        let answer = judge(&mut dice, &book, &question, &mut count);
        let grid = Grid::new(&book, &question, &assets);
        let best = grid.cheapest();
        match &answer.outcome {
            Ok(found) => {
                plans += 1;
                two += u64::from(found.steps.len() > 1);
                // Of each step a unit at most is rounded: the grid may be so much below.
                let slack = grid.unit_value * (found.steps.len() as f64 + 1.0);
                let cost = grid.value_of(found.cost);
                if let Some((best, how)) = best {
                    assert!(cost <= best + slack, "{round}: {cost} against {best} by {how:?}: {found:#?}");
                }
            }
            Err(why) => {
                short += 1;
                assert!(best.is_none(), "{round}: {best:?} does it: {why:#?}");
            }
        }
    }
    assert!(plans > 25 && short > 5 && two > 3, "{plans} {short} {two}");
}

/// All that can be done with a wallet, on a grid.
struct Grid<'a> {
    book: &'a Book,
    target: Decimal,
    gas: f64,
    /// Asset, sink, value of a raw unit, raw units in the wallet.
    moves: Vec<(usize, Action, f64)>,
    held: Vec<u64>,
    unit_value: f64,
}

impl Grid<'_> {
    fn new<'a>(book: &'a Book, ask: &PlanAsk<'_>, assets: &[(String, u8)]) -> Grid<'a> {
        let listed = &book.markets[0];
        let readings = readings(book, 0, book.at);
        let price = |asset: &str| {
            let slot = listed.market.slots().iter().position(|slot| slot.asset == asset);
            let Some(slot) = slot else { return 1.0 };
            let raw: f64 = readings[slot].value.expect("a price").to_string().parse().expect("digits");
            raw / 10_f64.powi(i32::from(listed.market.slots()[slot].decimals))
        };
        let mut moves = Vec::new();
        let (mut held, mut unit_value) = (Vec::new(), 0.0_f64);
        for (at, (asset, amount)) in ask.wallet.iter().enumerate() {
            let decimals = assets.iter().find(|(name, _)| name == asset).expect("an asset").1;
            let unit = price(asset) / 10_f64.powi(i32::from(decimals));
            unit_value = unit_value.max(unit);
            held.push(amount.scaled_amount(decimals).ok().and_then(U256::to_u64).expect("small"));
            for (id, spec) in (0..).map(plimsoll_core::InstrumentId).zip(listed.market.instruments()) {
                let amount = Amount::Assets(U256::ZERO);
                let action = match spec.kind {
                    Kind::Receipt if spec.asset == *asset => Action::Deposit { into: id, amount },
                    Kind::Debt
                        if spec.asset == *asset && !book.accounts[0].account.quantity(id).is_zero() =>
                    {
                        Action::Repay { debt: id, amount }
                    }
                    _ => continue,
                };
                moves.push((at, action, unit));
            }
        }
        let gas = ask.gas.expect("said").scaled_amount(2).ok().and_then(U256::to_u64).expect("small") as f64
            / 100.0;
        Grid { book, target: ask.target, gas, moves, held, unit_value }
    }

    fn value_of(&self, raw: U256) -> f64 {
        raw.to_u128().expect("small") as f64 / 1e18
    }

    /// The cheapest of all pairs of moves, the first on a grid of amounts and the second the least on a finer one.
    fn cheapest(&self) -> Option<(f64, String)> {
        let mut best: Option<(f64, String)> = None;
        for (one, first) in self.moves.iter().enumerate() {
            for share in 0..=10_u64 {
                let amount = self.held[first.0] * share / 10;
                if (share == 0) != (one == 0) && share == 0 {
                    continue;
                }
                let start = if amount == 0 {
                    Some((self.book.clone(), 0))
                } else {
                    self.step(self.book, first, amount)
                };
                let Some((world, paid)) = start else { continue };
                let spent = if paid == 0 { 0.0 } else { paid as f64 * first.2 + self.gas };
                if paid > 0 && self.does(&world) {
                    Self::keep(&mut best, spent, || format!("{:?} {paid}", first.1));
                }
                for (other, second) in self.moves.iter().enumerate() {
                    if other == one && paid > 0 {
                        continue;
                    }
                    let left = self.held[second.0] - if second.0 == first.0 { paid } else { 0 };
                    for share in 1..=40_u64 {
                        let amount = (left * share).div_ceil(40);
                        if amount == 0 {
                            continue;
                        }
                        let Some((after, more)) = self.step(&world, second, amount) else { continue };
                        if self.does(&after) {
                            let cost = spent + more as f64 * second.2 + self.gas;
                            Self::keep(&mut best, cost, || {
                                format!("{:?} {paid} {:?} {more}", first.1, second.1)
                            });
                            break;
                        }
                    }
                }
            }
        }
        best
    }

    fn keep(best: &mut Option<(f64, String)>, cost: f64, how: impl Fn() -> String) {
        if best.as_ref().is_none_or(|(known, _)| cost < *known) {
            *best = Some((cost, how()));
        }
    }

    fn does(&self, world: &Book) -> bool {
        seen(world, 0).is_ok_and(|seen| reaches(&seen, self.target))
    }

    fn step(&self, world: &Book, (_, action, _): &(usize, Action, f64), amount: u64) -> Option<(Book, u64)> {
        let raw = Amount::Assets(U256::from(amount));
        let asked = match *action {
            Action::Deposit { into, .. } => Action::Deposit { into, amount: raw },
            Action::Repay { debt, .. } => Action::Repay { debt, amount: raw },
            _ => return None,
        };
        let (after, moved) = act(world, 0, &asked).ok().or_else(|| match *action {
            Action::Repay { debt, .. } => {
                let all = act(world, 0, &Action::Repay { debt, amount: Amount::All }).ok()?;
                let paid =
                    all.1.values().find_map(|(_, paid, _)| Some(*paid).filter(|paid| *paid != U256::ZERO))?;
                (paid.to_u64()? <= amount).then_some(all)
            }
            _ => None,
        })?;
        let paid = moved.values().find_map(|(_, paid, _)| Some(*paid).filter(|paid| *paid != U256::ZERO))?;
        Some((after, paid.to_u64()?))
    }
}

/// Nothing in the wallet, nothing to sell: what binds is said, and what would be enough is, to the unit.
#[test]
fn what_is_infeasible_says_what_would_be_enough() {
    let book = example("treasury");
    let alice = place(&book, "alice");
    let answer = plan(&book, &ask(vec![alice], "2", &[("USDC", "100")], None)).expect("an answer");
    let short = answer.outcome.expect_err("a hundred dollars do not do it");
    assert!(short.binds.iter().any(|bound| bound.by == Binding::Wallet), "{short:#?}");
    // 31,000 owed at a health of 1.443586: to 2, so much must go that 44,742.91 / (30,994.27 - x) >= 2.
    let (_, more) =
        short.enough.iter().find(|(top, _)| top.repays && top.asset.0 == "USDC").expect("a repayment");
    let more = more.as_ref().expect("an amount").amount;
    let both = more.add(U256::new(100_000_000)).expect("256 bits");
    let with = Decimal { mantissa: Int::from(both), decimals: 6 }.to_string();
    let feasible = plan(&book, &ask(vec![alice], "2", &[("USDC", &with)], None)).expect("an answer");
    assert!(feasible.outcome.is_ok(), "what is said to be enough is not");
    // Paid in two parts a unit more is rounded away than in one.
    let one_less = Decimal { mantissa: Int::from(both.sub_or_zero(U256::new(3))), decimals: 6 }.to_string();
    let not = plan(&book, &ask(vec![alice], "2", &[("USDC", &one_less)], None)).expect("an answer");
    assert!(not.outcome.is_err(), "a few units less are enough as well");
}

/// Owing ether against ether that is staked, with a curve that loses a tenth of a percent at first and a tenth of it all later: the
/// wallet pays first, collateral is sold last, in rounds that never leave the account below its line.
#[test]
fn a_sale_is_made_in_rounds() {
    let book = example("treasury");
    let acme = place(&book, "acme-loop");
    let curves = depth(&[("wstETH", &[["100", "99.9"], ["10000", "9900"]])], "10");
    let question = ask(vec![acme], "1.05", &[], Some(&curves));
    let mut count = Count::default();
    let answer = judge(&mut Dice(5), &book, &question, &mut count);
    let found = answer.outcome.expect("a plan");
    let words: Vec<&str> = found.steps.iter().map(|step| step.doing.word()).collect();
    assert_eq!(&words[..3], ["withdraw", "swap", "repay"], "{words:?}");
    assert!(found.steps.iter().all(|step| {
        step.after.is_none_or(|health| health >= plimsoll::Ratio::of(Int::ONE, Int::ONE).expect("one"))
    }));
}

/// A plan that was made on another book is not taken for one of this.
#[test]
fn a_plan_is_looked_at_again_before_it_is_believed() {
    let book = example("treasury");
    let alice = place(&book, "alice");
    let question = ask(vec![alice], "1.6", &[("USDC", "20000")], None);
    let found = plan(&book, &question).expect("an answer").outcome.expect("a plan");
    assert_eq!(found.replay(&book, &question, true).expect("a replay").broken, None);
    let mut other = book.clone();
    let usdc = common::holding(&book, 0, Kind::Debt, "USDC");
    let owed = other.accounts[alice].account.quantity(usdc);
    other.accounts[alice].account.set(usdc, owed.add(Int::ONE).expect("256 bits"));
    let replay = found.replay(&other, &question, true).expect("a replay");
    assert_eq!(replay.broken, Some(Broken::Before(0)));
    let mut poor = question.clone();
    poor.wallet = vec![("USDC".into(), decimal("1"))];
    let replay = found.replay(&book, &poor, true).expect("a replay");
    assert_eq!(replay.broken, Some(Broken::Wallet(0)));
    // Plans that are the same differ in nothing.
    assert!(found.differences(&found).is_empty());
    let more = plan(&book, &ask(vec![alice], "1.7", &[("USDC", "20000")], None)).expect("an answer");
    assert_eq!(found.differences(&more.outcome.expect("a plan")).len(), 1);
}

/// The check itself: a unit too few is seen, and so is a little too much.
#[test]
fn a_step_that_is_too_small_or_too_large_is_seen() {
    let book = example("treasury");
    let alice = place(&book, "alice");
    let question = ask(vec![alice], "2", &[("USDC", "10000")], None);
    let found = plan(&book, &question).expect("an answer").outcome.expect("a plan");
    let with = |change: fn(U256) -> U256| {
        let mut other = found.clone();
        let Doing::Repay { debt, amount: Amount::Assets(raw) } = other.steps[0].doing else {
            panic!("{other:?}")
        };
        other.steps[0].doing = Doing::Repay { debt, amount: Amount::Assets(change(raw)) };
        let walked = || walk(&mut Dice(1), &book, &question, &other, &mut Count::default());
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(walked)).is_ok()
    };
    assert!(with(|raw| raw));
    assert!(!with(|raw| raw.sub_or_zero(U256::ONE)), "a unit too few was not seen");
    assert!(!with(|raw| raw.add(U256::new(7)).expect("256 bits")), "too much was not seen");
}
