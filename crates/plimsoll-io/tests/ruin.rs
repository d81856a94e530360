//! The waterfall over a book: by a pencil, by its laws over random books, and every fault of its file.
#![allow(clippy::unwrap_used)]

mod common;

use common::{example_folder, file, files, sound};
use plimsoll_core::Book;
use plimsoll_io::book::{self, FileBytes, read_funds};
use plimsoll_margin::ruin::{Fund, Last, Queue, Rules, queues, ruin};

const ONE: u128 = 1_000_000_000_000_000_000;

fn example() -> Book {
    sound(book::open(&example_folder("margin")))
}

fn place(book: &Book, name: &str) -> usize {
    book.accounts.iter().position(|account| account.name == name).unwrap()
}

fn fund(amount: u128, contracts: &[&str]) -> Fund {
    let contracts = contracts.iter().map(|name| (*name).to_string()).collect();
    Fund { market: "desk".into(), contracts, amount: amount * ONE }
}

/// `sunk` has 500 dollars and 100 SOL bought for 12,000, worth 10,000: 1,500 are missing, and closing at 115 would leave nothing missing. `hedged` is the only
/// short one. With funds of 300 for the contract and 700 for all, 500 of 1,500 are left: a third of 10,000 lots, raised.
#[test]
fn a_pencil_comes_to_the_same() {
    let book = example();
    let [sunk, hedged] = ["sunk", "hedged"].map(|name| place(&book, name));
    let alone = ruin(&book, &Rules::default());
    let [ruined] = &alone.ruined[..] else { panic!("{alone:?}") };
    assert_eq!((ruined.account, ruined.loss, ruined.borne.others), (sunk, 1_500 * ONE, 1_500 * ONE));
    let [ending] = &ruined.endings[..] else { panic!("{ruined:?}") };
    assert_eq!((ending.lots, ending.bankruptcy, ending.left), (10_000, Some(115 * ONE), 0));
    let [share] = ending.shares[..] else { panic!("{ending:?}") };
    assert_eq!((share.account, share.lots, share.amount), (hedged, 10_000, 1_500 * ONE));

    let rules = Rules {
        funds: vec![fund(700, &[]), fund(300, &["SOL-PERP"]), fund(9_000, &["BTC-PERP"])],
        last: Vec::new(),
    };
    let found = ruin(&book, &rules);
    let ruined = &found.ruined[0];
    assert_eq!(
        (ruined.borne.bucket, ruined.borne.shared, ruined.borne.others),
        (300 * ONE, 700 * ONE, 500 * ONE)
    );
    assert_eq!(found.funds, [0, 0, 9_000 * ONE]);
    let [share] = ruined.endings[0].shares[..] else { panic!("{ruined:?}") };
    assert_eq!((share.account, share.lots, share.amount), (hedged, 3_334, 500 * ONE));

    // Socialised: `joint` and `hedged` have 300 and 380 of SOL-PERP, 30,000 and 38,000 lots; floor(1,500 x 30/68) to the first.
    let rules = Rules { last: vec![("desk".into(), Last::Socialise)], ..Rules::default() };
    let found = ruin(&book, &rules);
    let shares = &found.ruined[0].endings[0].shares;
    let first = 1_500 * ONE * 30 / 68;
    let all: Vec<_> = shares.iter().map(|share| (share.account, share.lots, share.amount)).collect();
    assert_eq!(all, [(place(&book, "joint"), 0, first), (hedged, 0, 1_500 * ONE - first)]);
}

/// Among long ones of SOL-PERP there is `joint` alone: 300 SOL entered at 100, 10,000 worth; `sunk` is worth nothing and in no order. Of BTC-PERP, `basis` is long, and `under` short.
#[test]
fn the_order_of_deleveraging_can_be_shown() {
    let book = example();
    let all = queues(&book);
    let of = |name: &str| -> &Queue { all.iter().find(|queue| queue.contract == name).unwrap() };
    let [longs, shorts] = &of("SOL-PERP").sides;
    let rank = |rank: &plimsoll_margin::ruin::Rank| (rank.account, rank.lots, rank.before, rank.entry);
    assert_eq!(longs.iter().map(rank).collect::<Vec<_>>(), [(place(&book, "joint"), 30_000, 0, 100 * ONE)]);
    // 37,000 / 380, cut.
    let entry = 37_000 * ONE / 380;
    assert_eq!(shorts.iter().map(rank).collect::<Vec<_>>(), [(place(&book, "hedged"), -38_000, 0, entry)]);
    assert_eq!(longs[0].value, 10_000 * ONE as i128);
    let [longs, shorts] = &of("BTC-PERP").sides;
    assert_eq!((longs.len(), shorts.len()), (1, 1));
}

struct Random(u64);

impl Random {
    fn within(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (z ^ (z >> 31)) % (high - low + 1)
    }
}

/// A desk with other accounts: cash and positions in two perps, bought and sold at prices around the mark.
fn desk(random: &mut Random) -> Book {
    let mut rows = String::from("account,market,kind,asset,quantity,unit,owner\n");
    let mut row = |name: u64, kind: &str, asset: &str, quantity: u64| {
        if quantity > 0 {
            rows += &format!("a{name},desk,{kind},{asset},{quantity},token,o\n");
        }
    };
    for name in 0..random.within(2, 9) {
        row(name, "supply", "USDC", random.within(0, 3_000));
        for (perp, mark, most) in [("SOL-PERP", 100, 60), ("BTC-PERP", 90_000, 3)] {
            let size = random.within(0, most);
            let quote = size * mark * random.within(70, 130) / 100;
            if size > 0 && random.within(0, 1) == 0 {
                row(name, "long", perp, size);
                row(name, "paid", perp, quote);
            } else if size > 0 {
                row(name, "short", perp, size);
                row(name, "received", perp, quote);
            }
        }
        // Someone without a position.
        row(name + 100, "supply", "USDC", 1 + random.within(0, 9));
    }
    let mut all = files(&book::write(&example()).unwrap());
    let table = all.iter_mut().find(|file| file.name == "positions.csv").unwrap();
    table.bytes = FileBytes::Read(rows.into_bytes());
    sound(book::read(all))
}

/// Properties 74 and 75 over books: what all bear is the loss to the unit, a later stage bears only where the earlier is empty, no more lots are closed than
/// are needed or than anybody has, and who has no position gives nothing. Property 76: a position that is the whole open interest is one liquidation like any other.
#[test]
fn p74_to_p76_a_books_waterfall_sums_to_the_loss() {
    let mut random = Random(74);
    let (mut ruined, mut closed, mut whole, mut left) = (0, 0, 0, 0);
    for case in 0..300 {
        let book = desk(&mut random);
        let mut rules = Rules::default();
        for contracts in [&[][..], &["SOL-PERP"][..], &["BTC-PERP"][..], &[][..]] {
            if random.within(0, 1) == 0 {
                rules.funds.push(fund(random.within(0, 20_000).into(), contracts));
            }
        }
        if random.within(0, 1) == 0 {
            rules.last.push(("desk".into(), Last::Socialise));
        }
        let found = ruin(&book, &rules);
        assert!(found.unknown.is_empty() && found.beyond.is_empty(), "{case}");
        let mut paid: u128 = 0;
        for one in &found.ruined {
            ruined += 1;
            let borne = one.borne;
            paid += borne.bucket + borne.shared;
            assert_eq!(borne.bucket + borne.shared + borne.others, one.loss, "{case}");
            let rest: u128 = one.endings.iter().map(|ending| ending.loss[1]).sum();
            let whole_loss: u128 = one.endings.iter().map(|ending| ending.loss[0]).sum();
            assert!(one.endings.is_empty() || (rest, whole_loss) == (borne.others, one.loss), "{case}");
            for ending in &one.endings {
                let given: u128 = ending.shares.iter().map(|share| share.amount).sum();
                let lots: u128 = ending.shares.iter().map(|share| share.lots).sum();
                assert_eq!(given + ending.left, ending.loss[1], "{case} {ending:?}");
                let held = ending.lots.unsigned_abs();
                assert!(lots <= held, "{case}");
                // One lot fewer would not have been worth what is left.
                assert!(
                    lots == 0 || (lots - 1) * ending.loss[0] < ending.loss[1] * held,
                    "{case} {ending:?}"
                );
                closed += usize::from(lots > 0);
                left += usize::from(ending.left > 0);
                for share in &ending.shares {
                    let him = &book.accounts[share.account];
                    assert!(him.name.len() == 2 && share.account != one.account, "{case}");
                }
            }
        }
        let funds: u128 = rules.funds.iter().map(|fund| fund.amount).sum();
        assert_eq!(found.funds.iter().sum::<u128>() + paid, funds, "{case}");
        // Nobody comes to bear more because somebody else is listed first: the order is the book's.
        assert_eq!(ruin(&book, &rules), found);
        whole += usize::from(found.ruined.iter().any(|one| one.borne.shared > 0 && one.borne.others > 0));
    }
    assert!(ruined > 300 && closed > 50 && whole > 20 && left > 0, "{ruined} {closed} {whole} {left}");

    // One long account against two short ones, all of the open interest; 4,000 dollars are missing, and both give by their lots.
    let mut all = files(&book::write(&example()).unwrap());
    let rows = "account,market,kind,asset,quantity,unit,owner\nbig,desk,long,SOL-PERP,100,token,o\nbig,desk,paid,SOL-PERP,14000,token,o\n\
        one,desk,supply,USDC,9000,token,o\none,desk,short,SOL-PERP,75,token,o\none,desk,received,SOL-PERP,10500,token,o\n\
        two,desk,supply,USDC,9000,token,o\ntwo,desk,short,SOL-PERP,25,token,o\ntwo,desk,received,SOL-PERP,3500,token,o\n";
    let table = all.iter_mut().find(|file| file.name == "positions.csv").unwrap();
    table.bytes = FileBytes::Read(rows.as_bytes().to_vec());
    let book = sound(book::read(all));
    let found = ruin(&book, &Rules::default());
    let ending = &found.ruined[0].endings[0];
    assert_eq!((found.ruined[0].loss, ending.bankruptcy, ending.left), (4_000 * ONE, Some(140 * ONE), 0));
    let shares: Vec<_> =
        ending.shares.iter().map(|share| (share.account, share.lots, share.amount)).collect();
    assert_eq!(shares, [(1, 7_500, 3_000 * ONE), (2, 2_500, 1_000 * ONE)]);
}

/// An hour later every price is stale: nobody is said to be ruined or not, and nobody stands in an order. Who owes nothing is not in question.
#[test]
fn what_a_doubtful_price_touches_is_unknown() {
    let mut book = example();
    book.at = book.at.plus(3_600);
    let found = ruin(&book, &Rules::default());
    assert!(found.ruined.is_empty());
    let idle = place(&book, "idle");
    let all: Vec<usize> = (0..book.accounts.len()).filter(|at| *at != idle).collect();
    assert_eq!(found.unknown, all);
    for queue in queues(&book) {
        assert!(queue.sides.iter().all(Vec::is_empty) && !queue.unknown.is_empty(), "{queue:?}");
    }
    // Before the market's state it cannot be asked at all.
    book.at = plimsoll_core::Time(1);
    assert_eq!(ruin(&book, &Rules::default()).unknown.len(), book.accounts.len());
}

#[test]
fn faults_of_funds_say_where() {
    let book = example();
    let read = |text: &str| read_funds(file("funds.toml", text), &book);
    let good = "format = 1\n[[fund]]\nmarket = \"desk\"\namount = \"12.5\"\ncontracts = [\"SOL-PERP\"]\n[[last]]\nmarket = \"desk\"\nby = \"socialise\"\n";
    let found = read(good).rules.unwrap();
    let expected = Fund {
        market: "desk".into(),
        contracts: vec!["SOL-PERP".into()],
        amount: 12_500_000_000_000_000_000,
    };
    assert_eq!(found, Rules { funds: vec![expected], last: vec![("desk".into(), Last::Socialise)] });
    for (from, to, code) in [
        ("\"desk\"\namount", "\"dask\"\namount", "PL0552"),
        ("SOL-PERP", "SOL", "PL0553"),
        ("12.5", "-1", "PL0516"),
        ("12.5", "0.0000000000000000001", "PL0517"),
        ("socialise", "nobody", "PL0520"),
        ("by =", "bye =", "PL0510"),
        ("format = 1", "format = 2", "PL0512"),
    ] {
        let opened = read(&good.replacen(from, to, 1));
        let told = opened.faults.render(false);
        assert!(opened.rules.is_none() && told.contains(code), "{from} {to}: {told}");
    }
}
