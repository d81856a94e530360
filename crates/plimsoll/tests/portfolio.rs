//! One owner's accounts side by side, and so much of one asset for all of them.

#![allow(clippy::unwrap_used, clippy::panic)] // a book that cannot be asked has failed the test

use plimsoll::{Change, Ladder, Lookout, Part, Stake, Sum, portfolio, restore, restore_all, split, whatif};
use plimsoll_core::{Book, Decimal, Int, U256};
use plimsoll_io::book::{File, FileBytes};

fn treasury() -> Book {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/treasury");
    plimsoll_io::book::open(&folder).book
}

const OWNER: &str = "Acme treasury";

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Health in 1e-6 parts after so much of an asset (raw) is put in or paid back.
fn health_after(book: &Book, account: usize, repays: bool, asset: &str, raw: U256, decimals: u8) -> u64 {
    let sum = Sum::Exactly(Decimal { mantissa: raw.into(), decimals });
    let stake = Stake { sum, asset: asset.into() };
    let change = if repays { Change::Repay(stake) } else { Change::Deposit(stake) };
    let changes = if raw == U256::ZERO { vec![] } else { vec![change] };
    let answer = whatif(book, account, &changes, &Ladder::default()).unwrap();
    assert_eq!(answer.refused, None);
    answer.after.seen.health.map_or(u64::MAX, |health| health.parts(1_000_000).unwrap())
}

/// Who dies first is whoever's own crossing is nearest, and sums never become a health.
#[test]
fn first_to_die_is_the_nearest_of_all() {
    let book = treasury();
    let answer = portfolio(&book, OWNER, &Ladder::default()).unwrap();
    assert_eq!(answer.positions.len(), 2);
    let lookout = Lookout::new(&book, book.at).unwrap();
    for first in &answer.first {
        let mut falls = Vec::new();
        for position in &answer.positions {
            let outlook = lookout.of(position.row.account);
            let factor = outlook.factors.iter().find(|factor| factor.leaf == first.leaf);
            falls.extend(factor.and_then(|factor| factor.down).map(|down| down.parts.magnitude()));
        }
        assert_eq!(first.fall.map(|(_, distance)| distance.parts.magnitude()), falls.into_iter().min());
    }
    // Two venues, two currencies, two sums; equity is collateral less debt.
    assert_eq!(answer.sums.len(), 2);
    for net in &answer.sums {
        assert_eq!(Some(net.equity), net.collateral.sub(net.debt));
    }
    let ether = answer.first.iter().find(|f| book.graph.price(f.leaf).unwrap().name == "ETH/USD").unwrap();
    let (at, _) = ether.fall.unwrap();
    assert_eq!(
        book.accounts[answer.positions[at].row.account].name, "acme-usdc",
        "the loop does not feel it"
    );
}

/// Every part does what it says; a millionth of health more takes more than there is; and no other split of a grid
/// makes the least healthy account healthier.
#[test]
fn the_split_makes_the_least_healthy_as_healthy_as_can_be() {
    let book = treasury();
    for (asset, with, decimals) in [("USDC", "1000000", 6), ("USDC", "0.5", 6), ("wstETH", "12.5", 18)] {
        let answer = split(&book, OWNER, asset, Sum::Exactly(decimal(with))).unwrap();
        let health = answer.health.unwrap();
        let spent = answer.parts.iter().fold(U256::ZERO, |sum, part| sum.add(part.enough.amount).unwrap());
        assert_eq!(spent.add(answer.left), Some(answer.with), "{asset}");
        let steps = health.scaled_amount(6).unwrap().to_u64().unwrap();
        for part in &answer.parts {
            let reached = health_after(&book, part.account, part.repays, asset, part.enough.amount, decimals);
            assert!(reached >= steps, "{asset}: {reached} of {steps}");
        }
        let beyond = Decimal { mantissa: Int::from(steps + 1), decimals: 6 };
        let mine: Vec<usize> =
            (0..book.accounts.len()).filter(|&a| book.accounts[a].owner == OWNER).collect();
        let least = |account: usize| {
            let answer = restore(&book, account, beyond, 0).unwrap();
            let ways = answer.deposits.iter().chain(&answer.repayments).filter(|way| way.asset == asset);
            ways.filter_map(|way| Some(way.now.ok()?.amount)).min()
        };
        if answer.stuck.is_empty() {
            let needed = mine.iter().map(|&account| least(account)).try_fold(U256::ZERO, |s, n| s.add(n?));
            assert!(needed.is_none_or(|needed| needed > answer.with), "{asset}");
        }
        let [one, other] = mine.as_slice() else { panic!("two accounts") };
        for share in 0..=16_u64 {
            let part =
                answer.with.mul_div(U256::from(share), U256::from(16_u64), plimsoll_core::Rounding::Down);
            let part = part.unwrap();
            let rest = answer.with.sub(part).unwrap();
            let best = |account: usize, raw: U256| {
                // Put in or paid back, whichever helps more.
                let owes = restore(&book, account, decimal("1"), 0).unwrap();
                let pays = owes.repayments.iter().any(|way| way.asset == asset);
                let puts = owes.deposits.iter().any(|way| way.asset == asset);
                let paid = if pays { health_after(&book, account, true, asset, raw, decimals) } else { 0 };
                let put = if puts { health_after(&book, account, false, asset, raw, decimals) } else { 0 };
                paid.max(put)
            };
            let helped = |account: usize, raw| {
                let stuck = answer.stuck.iter().any(|(stuck, _)| *stuck == account);
                if stuck { u64::MAX } else { best(account, raw) }
            };
            let least = helped(*one, part).min(helped(*other, rest));
            assert!(least <= steps, "{asset}: {share} of 16 gives {least}, not {steps}");
        }
    }
}

/// What it takes to bring all of them back is asked of each alone; who is there already is left out.
#[test]
fn restore_all_leaves_out_who_is_there() {
    let book = treasury();
    let names = |to: &str| -> Vec<String> {
        let answers = restore_all(&book, OWNER, decimal(to), 600).unwrap();
        answers.iter().map(|answer| book.accounts[answer.account].name.clone()).collect()
    };
    assert_eq!(names("1.5"), ["acme-loop", "acme-usdc"]);
    assert_eq!(names("1.05"), ["acme-loop"]);
    assert!(names("1").is_empty());
}

/// The treasury's book with other accounts, and its Morpho market with a loan of so many decimals.
fn with_accounts(rows: &str, decimals: u8) -> Book {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/treasury");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let more = "0".repeat(usize::from(decimals - 6));
    let mut morpho = read("markets/morpho-wsteth-usdc.toml");
    morpho = morpho.replace("decimals = 6 }", &format!("decimals = {decimals} }}"));
    let longer = |line: &str| match line.strip_suffix('"').filter(|line| line.starts_with("total_")) {
        Some(digits) => format!("{digits}{more}\""),
        None => line.to_string(),
    };
    let morpho: Vec<String> = morpho.lines().map(longer).collect();
    let positions = format!("account,market,kind,asset,quantity,unit,owner\n{rows}");
    let files = [
        ("book.toml", read("book.toml")),
        ("feeds.csv", read("feeds.csv")),
        ("markets/aave-core.toml", read("markets/aave-core.toml")),
        ("markets/morpho-wsteth-usdc.toml", morpho.join("\n")),
        ("positions.csv", positions),
    ];
    let file = |(name, text): (&str, String)| File { name: name.into(), bytes: FileBytes::Read(text.into()) };
    let opened = plimsoll_io::book::read(files.into_iter().map(file).collect());
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    opened.book
}

/// One token has 6 decimals at one market and 18 at another: amounts were added as if they were of one kind.
#[test]
fn a_split_adds_amounts_of_one_scale() {
    let rows = "m,morpho-wsteth-usdc,collateral,wstETH,1500,token,o\nm,morpho-wsteth-usdc,debt,USDC,6050000,token,o\n\
                z,aave-core,collateral,WETH,1000,token,o\nz,aave-core,debt,USDC,3200000,token,o\n";
    let turned: String = rows.split_inclusive('\n').rev().collect();
    for rows in [rows, &turned] {
        let book = with_accounts(rows, 18);
        let answer = split(&book, "o", "USDC", Sum::Exactly(decimal("100000"))).unwrap();
        let whole = |raw: U256, decimals: u8| raw.mul(U256::pow10(18 - decimals).unwrap()).unwrap();
        let spent = answer.parts.iter().map(|part| whole(part.enough.amount, part.decimals));
        let spent = spent.fold(U256::ZERO, |sum, part| sum.add(part).unwrap());
        assert_eq!(spent.add(answer.left), Some(whole(U256::new(100_000), 0)));
        // Less than a dollar in a million steps of health is left of it.
        assert!(answer.left < whole(U256::new(20), 0), "{}", answer.left);
        let health = answer.health.unwrap().scaled_amount(6).unwrap().to_u64().unwrap();
        for part in &answer.parts {
            let Part { account, repays, enough, decimals, .. } = *part;
            assert!(health_after(&book, account, repays, "USDC", enough.amount, decimals) >= health);
        }
    }
}

/// A debt paid whole and the rest put in does more than either. Found by hand: 100 wstETH owed are paid and 99.9 put in,
/// for a health of 4.994033.
#[test]
fn a_split_pays_a_debt_whole_and_puts_the_rest_in() {
    let rows = "x,aave-core,collateral,WETH,300,token,o\nx,aave-core,debt,USDC,300000,token,o\n\
                x,aave-core,debt,wstETH,100,token,o\n";
    let book = with_accounts(rows, 6);
    let answer = split(&book, "o", "wstETH", Sum::Exactly(decimal("200"))).unwrap();
    let health = answer.health.unwrap().scaled_amount(6).unwrap().to_u64().unwrap();
    assert!(health >= 4_994_033, "{health}");
    let [paid, put] = answer.parts.as_slice() else { panic!("{:?}", answer.parts) };
    assert!(paid.repays && paid.enough.all && !put.repays);
    let stake = |sum| Stake { sum, asset: "wstETH".into() };
    let put = Decimal { mantissa: put.enough.amount.into(), decimals: 18 };
    let changes = [Change::Repay(stake(Sum::All)), Change::Deposit(stake(Sum::Exactly(put)))];
    let done = whatif(&book, 0, &changes, &Ladder::default()).unwrap();
    assert_eq!(done.refused, None);
    assert!(done.after.seen.health.unwrap().parts(1_000_000).unwrap() >= health);
}

/// Two accounts whose crossings are nearer to each other than a millionth: the exact one decides, in either order.
#[test]
fn the_first_to_die_is_told_exactly() {
    let rows = |debts: [&str; 2]| {
        let row = |name: &str, debt: &str| {
            format!(
                "{name},aave-core,collateral,WETH,100,token,o\n{name},aave-core,debt,USDC,{debt},token,o\n"
            )
        };
        row("x", debts[0]) + &row("y", debts[1])
    };
    // The one that owes a thousandth of a dollar more dies first.
    for (debts, dies) in [(["250000", "250000.001"], "y"), (["250000.001", "250000"], "x")] {
        let book = with_accounts(&rows(debts), 6);
        let answer = portfolio(&book, "o", &Ladder::default()).unwrap();
        let price = |first: &plimsoll::First| book.graph.price(first.leaf).unwrap().name.clone();
        let ether = answer.first.iter().find(|first| price(first) == "ETH/USD").unwrap();
        let (at, _) = ether.fall.unwrap();
        assert_eq!(book.accounts[answer.positions[at].row.account].name, dies, "{debts:?}");
    }
}
