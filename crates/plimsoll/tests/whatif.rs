//! What-if is doing it and looking: the same numbers, the same book.

#![allow(clippy::expect_used)] // a book that cannot be read has failed the test

mod common;

use common::{Dice, act, after, example, holding, place, raw, through_files};
use plimsoll::{Change, Did, Ladder, Misasked, NewPrice, Row, Stake, Sum, Tier, check, whatif, whatif_all};
use plimsoll_core::{Action, Amount, Book, Decimal, Int, Kind, Refusal, Time};

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn stake(text: &str) -> Stake {
    let (sum, asset) = text.split_once(' ').expect("an amount and an asset");
    let sum = if sum == "all" { Sum::All } else { Sum::Exactly(decimal(sum)) };
    Stake { sum, asset: asset.into() }
}

fn price(name: &str, to: &str) -> Change {
    let to = match to.strip_suffix('%') {
        Some(percent) => NewPrice::Percent(decimal(percent)),
        None => NewPrice::Exactly(decimal(to)),
    };
    Change::Price { name: name.into(), to }
}

fn set(number: &str, value: i128) -> Change {
    Change::Set { number: number.into(), value: Int::new(value) }
}

/// `check` of the book as files, for one account: everything it says.
fn looked_at(book: &Book, account: usize) -> (String, String) {
    let book = through_files(book);
    let answer = check(&book, book.at, &Ladder::default()).expect("a judged book");
    let row = answer.rows.iter().find(|row| row.account == account).expect("the account's row");
    (answer.identity.hash, format!("{row:?}"))
}

/// The same action: what is asked of what-if, and what is done by hand.
fn both(change: Change, book: &Book, market: usize) -> (Change, Action) {
    let one = |kind, stake: &Stake| {
        let id = holding(book, market, kind, &stake.asset);
        let decimals = book.markets[market].market.instruments();
        let asset = decimals.iter().find(|i| i.kind == Kind::Asset && i.asset == stake.asset);
        let amount = match stake.sum {
            Sum::All => Amount::All,
            Sum::Exactly(tokens) => {
                Amount::Assets(tokens.scaled_amount(asset.expect("the asset").decimals).expect("an amount"))
            }
        };
        (id, amount)
    };
    let action = match &change {
        Change::Deposit(s) => {
            let (into, amount) = one(Kind::Receipt, s);
            Action::Deposit { into, amount }
        }
        Change::Withdraw(s) => {
            let (from, amount) = one(Kind::Receipt, s);
            Action::Withdraw { from, amount }
        }
        Change::Borrow(s) => {
            let (debt, amount) = one(Kind::Debt, s);
            Action::Borrow { debt, amount }
        }
        Change::Repay(s) => {
            let (debt, amount) = one(Kind::Debt, s);
            Action::Repay { debt, amount }
        }
        Change::Use { asset, on } => {
            Action::UseAsCollateral { instrument: holding(book, market, Kind::Receipt, asset), on: *on }
        }
        Change::Mode { value, .. } => {
            Action::SetTerm { term: book.markets[market].market.terms()[0].id, value: *value }
        }
        other => panic!("{other:?} is no action"),
    };
    (change, action)
}

/// 70
#[test]
fn whatif_then_reading_is_doing_then_reading() {
    let treasury = example("treasury");
    let steps: &[(&str, u64, &[Change])] = &[
        ("alice", 0, &[Change::Borrow(stake("5000 USDC"))]),
        (
            "alice",
            3600,
            &[Change::Deposit(stake("1.000000000000000001 wstETH")), Change::Withdraw(stake("2.5 WETH"))],
        ),
        ("alice", 1, &[Change::Repay(stake("all USDC")), Change::Withdraw(stake("all WETH"))]),
        ("bob", 7, &[Change::Use { asset: "USDC".into(), on: true }, Change::Borrow(stake("0.1 WETH"))]),
        ("acme-loop", 0, &[Change::Repay(stake("600 WETH")), Change::Mode { term: None, value: Int::ZERO }]),
        ("acme-usdc", 86_400, &[Change::Deposit(stake("12.5 wstETH")), Change::Borrow(stake("1000 USDC"))]),
        ("lender", 12, &[Change::Withdraw(stake("1 USDC"))]),
    ];
    for (name, wait, changes) in steps {
        let account = place(&treasury, name);
        let market = treasury.accounts[account].market;
        let mut book = treasury.clone();
        book.at = Time(book.at.0 + wait);
        let mut asked = vec![Change::After(*wait)];
        for change in *changes {
            let (change, action) = both(change.clone(), &book, market);
            let effects = act(&book, account, book.at, action).expect("the step is allowed");
            book = after(&book, market, book.at, &effects);
            asked.push(change);
        }
        let answer = whatif(&treasury, account, &asked, &Ladder::default()).expect("an answer");
        assert_eq!(answer.refused, None, "{name}");
        let found = (answer.after.identity.hash.clone(), format!("{:?}", answer.after.seen));
        assert_eq!(found, looked_at(&book, account), "{name}");
        assert_ne!(format!("{:?}", answer.before.seen), found.1, "{name}: nothing changed");
        assert_eq!(looked_at(&answer.book, account), found, "{name}: the book that is given back");
    }
}

/// 70, on every account of recorded pools: a seeded action of each, refused by both or the same by both.
#[test]
fn whatif_equals_doing_on_the_recorded_accounts() {
    let book = example("lending");
    let mut dice = Dice(70);
    let (mut done, mut refused) = (0, 0);
    for account in 0..book.accounts.len() {
        let market = book.accounts[account].market;
        let at = Time(book.at.0 + dice.below(100_000));
        let instruments = book.markets[market].market.instruments();
        let kinds: Vec<_> = instruments.iter().filter(|i| i.kind != Kind::Asset).collect();
        let asset = dice.pick(&kinds).asset.clone();
        let tokens =
            Decimal { mantissa: Int::from(1 + dice.below(1_000_000)), decimals: dice.below(7) as u8 };
        let stake = Stake { sum: Sum::Exactly(tokens), asset: asset.clone() };
        let has = |kind| instruments.iter().any(|i| i.kind == kind && i.asset == asset);
        let change = match dice.below(5) {
            0 if has(Kind::Debt) => Change::Borrow(stake),
            1 if has(Kind::Debt) => Change::Repay(stake),
            2 if has(Kind::Receipt) => Change::Withdraw(stake),
            3 if has(Kind::Receipt) => Change::Use { asset, on: dice.below(2) == 0 },
            _ if has(Kind::Receipt) => Change::Deposit(stake),
            _ => continue,
        };
        let (change, action) = both(change, &book, market);
        let answer = whatif(&book, account, &[Change::At(at), change.clone()], &Ladder::default());
        let answer = answer.expect("an answer");
        match act(&book, account, at, action) {
            Ok(effects) => {
                done += 1;
                let by_hand = after(&book, market, at, &effects);
                let found = (answer.after.identity.hash, format!("{:?}", answer.after.seen));
                let looked = check(&by_hand, at, &Ladder::default()).expect("a judged book");
                let row = looked.rows.iter().find(|row| row.account == account).expect("the account's row");
                assert_eq!(found, (looked.identity.hash, format!("{row:?}")), "{change:?}");
            }
            Err(why) => {
                refused += 1;
                assert_eq!(answer.refused, Some(why), "{change:?}");
                assert_eq!(answer.done.len(), 1, "{change:?}");
            }
        }
    }
    assert!(done > 100 && refused > 20, "done {done}, refused {refused}");
}

fn row_of(book: &Book, name: &str, changes: &[Change]) -> Row {
    let answer = whatif(book, place(book, name), changes, &Ladder::default()).expect("an answer");
    assert_eq!(answer.refused, None);
    answer.after.seen
}

#[test]
fn a_price_is_as_if_a_feed_had_said_it() {
    let book = example("treasury");
    let mut edited = book.clone();
    let id = edited.graph.find("ETH/USD").expect("the feed");
    let Some(plimsoll_core::Origin::Feed(seen)) = edited.graph.price(id).map(|p| p.origin.clone()) else {
        panic!("ETH/USD is a feed");
    };
    let said =
        plimsoll_core::Observation { price: Some(decimal("3450.056")), observed_at: Some(book.at), ..seen };
    edited.graph.observe(id, said).expect("the feed is there");
    for (name, to) in [("ETH/USD", "3450.056"), ("ETH/USD", "-20%"), ("WETH", "-20.00%")] {
        for account in ["alice", "bob", "acme-loop"] {
            let row = row_of(&book, account, &[price(name, to)]);
            let expected = looked_at(&edited, place(&book, account)).1;
            assert_eq!(format!("{row:?}"), expected, "{account} {name} {to}");
        }
    }
    // wstETH/USD is derived from it; on its own it moves alone.
    let derived = row_of(&book, "acme-usdc", &[price("ETH/USD", "-20%")]);
    let alone = row_of(&book, "acme-usdc", &[price("wstETH/USDC", "-20%")]);
    assert!(derived.health < row_of(&book, "acme-usdc", &[Change::After(0)]).health);
    assert_eq!(derived.tier, alone.tier);
}

#[test]
fn a_part_of_a_price_is_exact_and_cut_to_what_markets_read() {
    let book = example("treasury");
    let changed = |name: &str, to: &str| {
        let answer = whatif_all(&book, &[price(name, to)], &Ladder::default()).expect("an answer");
        match answer.done.as_slice() {
            [Did::Priced { to, .. }] => to.to_string(),
            other => panic!("{other:?}"),
        }
    };
    // 0.99981512 x 0.8 = 0.799852096, of which the pool reads eight digits.
    assert_eq!(changed("USDC/USD", "-20%"), "0.79985209");
    assert_eq!(changed("ETH/USD", "-20%"), "3450.056");
    assert_eq!(changed("ETH/USD", "-0.000001%"), "4312.56995687");
    // No market reads the rate itself: it keeps all its digits. 1.215303844905127633 x 1.015
    assert_eq!(changed("wstETH/stETH rate", "1.5%"), "1.233533402578704547495");
    let refused = |name: &str, to: &str| match whatif_all(&book, &[price(name, to)], &Ladder::default()) {
        Err(Misasked::NoPrice { expected, .. }) => expected,
        other => panic!("{:?}", other.map(|answer| answer.done)),
    };
    assert!(refused("ETH/USD", "1.123456789").contains("8 digits"));
    assert!(refused("ETH/USD", "-100%").contains("above zero"));
    assert!(refused("ETH/USD", "0").contains("above zero"));
    assert!(refused("USDC/USD", "-99.9999999%").contains("above zero"));
}

#[test]
fn parameters_are_found_by_name_and_change_who_is_safe() {
    let book = example("treasury");
    let weth = "aave-core/WETH/liquidation_threshold";
    let answer = whatif_all(&book, &[set(weth, 5000)], &Ladder::default()).expect("an answer");
    assert_eq!(answer.moved.len(), 1);
    let (before, after) = &answer.moved[0];
    assert_eq!(
        (book.accounts[after.account].name.as_str(), before.tier, after.tier),
        ("alice", Tier::High, Tier::Liquidatable)
    );
    assert_eq!(answer.into_and_out_of(Tier::Liquidatable), (1, 0));
    let was = Did::Set {
        number: weth.into(),
        unit: plimsoll_core::Unit::BPS,
        from: Int::new(8300),
        to: Int::new(5000),
    };
    assert_eq!(answer.done, [was]);
    // The one number of a packed word moved, and no other.
    let thresholds = |book: &Book| book.markets[0].market.boxed_clone();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    thresholds(&book).visit(&mut |cell, _, _, value| old.push((cell, value)));
    thresholds(&answer.book).visit(&mut |cell, _, _, value| new.push((cell, value)));
    let different: Vec<_> = old.iter().zip(&new).filter(|(old, new)| old != new).collect();
    assert_eq!(different.len(), 1);
    // A market of one object needs no name for it; an e-mode is called by its label.
    for number in ["morpho-wsteth-usdc/lltv", "aave-core/ETH correlated/liquidation_threshold"] {
        let value = if number.ends_with("lltv") { 800_000_000_000_000_000 } else { 9000 };
        assert!(whatif_all(&book, &[set(number, value)], &Ladder::default()).is_ok(), "{number}");
    }
    for (number, several) in [
        ("aave-core/ltv", true),
        ("aave-core/WETH/ltx", false),
        ("aave/WETH/ltv", false),
        ("aave-core/1/ltv", false),
    ] {
        let found = whatif_all(&book, &[set(number, 1)], &Ladder::default()).err().expect("no such number");
        assert_eq!(matches!(found, Misasked::Several { .. }), several, "{found}");
    }
    // A value that does not fit cannot be meant.
    let found = whatif_all(&book, &[set(weth, 70_000), set(weth, 1)], &Ladder::default()).err();
    let no_value = Misasked::NoValue { number: weth.into(), found: Int::new(70_000), rule: None };
    assert_eq!(found, Some(no_value));
}

#[test]
fn what_follows_a_refusal_is_not_done() {
    let book = example("treasury");
    let alice = place(&book, "alice");
    let changes = [
        Change::Deposit(stake("1 WETH")),
        Change::Borrow(stake("1000000 USDC")),
        Change::Deposit(stake("1 WETH")),
    ];
    let answer = whatif(&book, alice, &changes, &Ladder::default()).expect("an answer");
    assert!(matches!(answer.refused, Some(Refusal::WouldBeUnhealthy | Refusal::OverCapacity { .. })));
    let once = whatif(&book, alice, &changes[..1], &Ladder::default()).expect("an answer");
    assert_eq!((answer.done.len(), &answer.after.identity), (1, &once.after.identity));
    // Time does not go back.
    let back = [Change::Deposit(stake("1 WETH")), Change::At(Time(book.at.0 - 1))];
    let answer = whatif(&book, alice, &back, &Ladder::default()).expect("an answer");
    assert!(matches!(answer.refused, Some(Refusal::ClockWentBack { .. })));
    assert_eq!(answer.after.identity.at, book.at);
}

#[test]
fn what_cannot_be_meant_is_told_with_what_could() {
    let book = example("treasury");
    let ask = |name: &str, change: Change| {
        whatif(&book, place(&book, name), &[change], &Ladder::default()).err().expect("it cannot be meant")
    };
    match ask("alice", Change::Deposit(stake("1 WTEH"))) {
        Misasked::NoSuch { found, known, .. } => {
            assert_eq!((found.as_str(), known.join(" ").as_str()), ("WTEH", "WETH wstETH USDC"));
        }
        other => panic!("{other}"),
    }
    assert!(matches!(ask("alice", Change::Borrow(stake("1.0000001 USDC"))), Misasked::NoAmount { .. }));
    assert!(matches!(ask("lender", Change::Mode { term: None, value: Int::ONE }), Misasked::NoTerms { .. }));
    let term = Change::Mode { term: Some("emod".into()), value: Int::ONE };
    assert!(matches!(ask("alice", term), Misasked::NoSuch { .. }));
    let needs = whatif_all(&book, &[Change::Deposit(stake("1 WETH"))], &Ladder::default()).err();
    assert_eq!(needs, Some(Misasked::NeedsAccount));
    // One asset, three prices: which one is a question.
    let lending = example("lending");
    let several = whatif_all(&lending, &[price("WETH", "-1%")], &Ladder::default()).err();
    assert!(matches!(several, Some(Misasked::Several { .. })));
    // A smallest deposit, by hand, to see that amounts are raw units of the asset and not of a share.
    let lender = place(&book, "lender");
    let market = book.accounts[lender].market;
    let into = holding(&book, market, Kind::Receipt, "USDC");
    let by_hand = act(&book, lender, book.at, Action::Deposit { into, amount: raw(1) }).expect("one unit");
    let answer = whatif(&book, lender, &[Change::Deposit(stake("0.000001 USDC"))], &Ladder::default());
    let by_hand = after(&book, market, book.at, &by_hand);
    assert_eq!(answer.expect("an answer").after.identity.hash, looked_at(&by_hand, lender).0);
}

/// The books that are shown and have accounts.
const EXAMPLES: [&str; 7] = ["compound_v3", "crash", "lending", "liquity", "maker", "margin", "treasury"];

/// Whatever one action makes of a shown book can be written and is sound when it is read: no total is less than what the
/// accounts add up to. Each account, or of many some, tries everything with everything that its market knows.
#[test]
fn a_book_after_any_action_is_a_sound_book() {
    for name in EXAMPLES {
        let book = example(name);
        let mut done = 0;
        for (number, listed) in book.accounts.iter().enumerate().step_by(book.accounts.len().div_ceil(30)) {
            for change in changes_of(&book, listed) {
                let Ok(answer) = whatif(&book, number, std::slice::from_ref(&change), &Ladder::default())
                else {
                    continue;
                };
                if answer.refused.is_some() {
                    continue;
                }
                done += 1;
                let written = plimsoll_io::book::write(&answer.book).expect("a book that can be written");
                let file = |(name, bytes)| plimsoll_io::book::File {
                    name,
                    bytes: plimsoll_io::book::FileBytes::Read(bytes),
                };
                let opened = plimsoll_io::book::read(written.files.into_iter().map(file).collect());
                let told = opened.faults.render(false).to_string();
                assert!(opened.faults.is_empty(), "{name}, {}: {change:?}\n{told}", listed.name);
            }
        }
        assert!(done > 10, "{name}: {done}");
    }
}

/// What an account can try: a little, much and all of every receipt and debt.
fn changes_of(book: &plimsoll_core::Book, listed: &plimsoll_core::ListedAccount) -> Vec<Change> {
    let market = &*book.markets[listed.market].market;
    let little = Sum::Exactly(Decimal { mantissa: Int::ONE, decimals: 3 });
    let much = Sum::Exactly(Decimal { mantissa: Int::new(1000), decimals: 0 });
    let mut changes = Vec::new();
    for instrument in market.instruments() {
        let kinds: &[fn(Stake) -> Change] = match instrument.kind {
            Kind::Receipt => &[Change::Deposit, Change::Withdraw],
            Kind::Debt => &[Change::Borrow, Change::Repay],
            _ => &[],
        };
        for kind in kinds {
            for sum in [little, much, Sum::All] {
                changes.push(kind(Stake { sum, asset: instrument.name.clone() }));
            }
        }
    }
    changes
}

/// Who repays at Liquity pays out of the owner's listed BOLD and has so much; with nothing unlisted nobody else can.
#[test]
fn a_repayment_comes_out_of_listed_bold() {
    let repay = |sum: i128| {
        Change::Repay(Stake {
            sum: Sum::Exactly(Decimal { mantissa: Int::new(sum), decimals: 0 }),
            asset: "BOLD".into(),
        })
    };
    let asked = |name: &str, account: &str, change: Change| {
        let book = example(name);
        let number = plimsoll::account(&book, account).expect("an account");
        let answer = whatif(&book, number, &[change], &Ladder::default()).expect("an answer");
        let held = |book: &plimsoll_core::Book, name: &str| {
            let found = book.accounts.iter().find(|one| one.name == name).expect("listed");
            found.account.quantity(plimsoll_venues::liquity_v2::BOLD)
        };
        let payer = if name == "crash" { "ada-wallet" } else { "anna" };
        let paid = held(&book, payer).sub(held(&answer.book, payer)).expect("a number");
        (paid, answer.refused.map(|why| why.code()))
    };
    let raw = |tokens: i128| Int::new(tokens * 10i128.pow(18));
    assert_eq!(asked("liquity", "anna-weth", repay(1)), (raw(1), None));
    // The trove says whose it is: anna's, and she has 86 750 BOLD; whom the column names has none.
    assert_eq!(asked("liquity", "carl-wsteth", repay(3)), (raw(3), None));
    // All BOLD is listed.
    let deposit = Change::Deposit(Stake {
        sum: Sum::Exactly(Decimal { mantissa: Int::ONE, decimals: 0 }),
        asset: "BOLD in the WETH pool".into(),
    });
    assert_eq!(asked("liquity", "dora-pool", deposit), (Int::ZERO, Some("PL0169")));
    // Her wallet is listed with none.
    assert_eq!(asked("crash", "liquity-bold:ada", repay(90_000)), (Int::ZERO, Some("PL0169")));
}

/// `max` and `whatif` mean the same by the name of an asset: of several holdings the one that the account has.
#[test]
fn an_asset_of_several_holdings_is_the_one_held() {
    let book = example("liquity");
    let withdraw = Change::Withdraw(Stake {
        sum: Sum::Exactly(Decimal { mantissa: Int::ONE, decimals: 1 }),
        asset: "BOLD".into(),
    });
    let ask = |account: &str| {
        let number = plimsoll::account(&book, account).expect("an account");
        whatif(&book, number, std::slice::from_ref(&withdraw), &Ladder::default())
            .map(|answer| answer.refused)
    };
    assert_eq!(ask("emil-pool").ok(), Some(None));
    assert!(matches!(ask("anna"), Err(Misasked::Several { .. })));
}

/// An account may be called as another is with its market's name before it: the names that are told when none fits find each its own.
#[test]
fn every_name_that_is_told_finds_its_account() {
    let mut book = example("treasury");
    let alice = place(&book, "alice");
    book.accounts[alice].name = "morpho-wsteth-usdc:lender".into();
    let Err(plimsoll::Misasked::NoSuch { known, .. }) = plimsoll::account(&book, "nobody") else {
        panic!("nobody is an account")
    };
    let found: Vec<usize> =
        known.iter().map(|name| plimsoll::account(&book, name).expect("an account")).collect();
    assert_eq!(found, (0..book.accounts.len()).collect::<Vec<_>>(), "{known:?}");
}
