//! One owner's accounts side by side, and so much of one asset for all of them.

#![allow(clippy::unwrap_used, clippy::panic)] // a book that cannot be asked has failed the test

use plimsoll::{Change, Ladder, Lookout, Stake, Sum, portfolio, restore, restore_all, split, whatif};
use plimsoll_core::{Book, Decimal, Int, U256};

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
