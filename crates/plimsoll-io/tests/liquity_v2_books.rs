//! Books with a Liquity v2 system: what was done by the venue's own actions is written and read back the same, the
//! example is what it says, and faults are told where they stand.
#![allow(clippy::unwrap_used)]

mod common;

use common::{all_of, file, files, sound};
use plimsoll_core::{
    Account, AccountId, Action, Amount, Book, Call, Certainty, Feeds, Int, Lens, ListedAccount, ListedMarket,
    Manage, Mechanism, Observation, Origin, Price, Reading, Silent, Standing, Test, Time, U256, Verdict,
};
use plimsoll_io::book;
use plimsoll_venues::liquity_v2::{
    BATCH, Branch, DEBT, Market, OWNER, PURSE, Parameters, RATE, System, collateral, deposit,
};
use std::path::Path;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/liquity");
const START: u64 = 1_760_000_000;
const DAY: u64 = 86_400;

const NAMES: [&str; 13] = [
    "anna",
    "bert",
    "anna-weth",
    "bert-weth",
    "carl-weth",
    "gina-weth",
    "fritz-weth",
    "carl-wsteth",
    "dora-wsteth",
    "dora-pool",
    "emil-pool",
    "hugo-reth",
    "ida-reth",
];

fn wad(thousandths: u128) -> U256 {
    U256::new(thousandths * 10u128.pow(15))
}

fn id(name: &str) -> AccountId {
    AccountId(NAMES.iter().position(|known| *known == name).unwrap() as u64)
}

fn rules(ccr: u128, mcr: u128, penalty: u128) -> Parameters {
    Parameters {
        ccr: wad(ccr),
        mcr: wad(mcr),
        bcr: wad(100),
        scr: wad(mcr),
        penalty_pool: wad(50),
        penalty_redistribution: wad(penalty),
    }
}

/// A system in which something has happened: a batch, two pools, a liquidation that both pay and share, a redemption.
struct Story {
    market: Market,
    accounts: Vec<Account>,
    prices: [u128; 3],
    at: u64,
}

impl Story {
    fn new() -> Story {
        let branch = |name, ccr, mcr, penalty| (name, Branch::new(rules(ccr, mcr, penalty)));
        let branches = [
            branch("WETH", 1500, 1100, 100),
            branch("wstETH", 1600, 1200, 200),
            branch("rETH", 1600, 1200, 200),
        ];
        let system = System { last_fee_time: START, ..System::default() };
        let mut accounts: Vec<Account> =
            (0..NAMES.len() as u64).map(|id| Account::new(AccountId(id))).collect();
        for person in ["anna", "bert"] {
            accounts[id(person).0 as usize].set_term(PURSE, Int::ONE);
        }
        let market = Market::new("BOLD", system, &branches).unwrap();
        Story { market, accounts, prices: [2_400_000, 2_880_000, 2_700_000], at: START }
    }

    fn act(&mut self, actor: &str, account: &str, action: Action) {
        use plimsoll_core::Market as _;
        let readings = self.prices.map(|price| Reading::certain(wad(price)));
        let call = Call { actor: id(actor), account: id(account), at: Time(self.at), action: action.clone() };
        let effects = self.market.act(&call, &self.accounts, Feeds { readings: &readings }, &mut Silent);
        let effects = effects.unwrap_or_else(|why| panic!("{account} {action:?}: {why}"));
        self.market.apply(&effects).unwrap();
        self.accounts = self.accounts.iter().map(|account| effects.apply_to(account).unwrap()).collect();
    }

    fn open(&mut self, owner: &str, trove: &str, branch: usize, held: u128, lent: u128, rate: u128) {
        let terms = vec![(RATE, wad(rate).into()), (OWNER, Int::from(id(owner).0 + 1))];
        let action = Action::Open {
            collateral: (collateral(branch), wad(held)),
            debt: (DEBT, wad(lent * 1000)),
            terms,
        };
        self.act(owner, trove, action);
    }

    fn told() -> Story {
        let mut story = Story::new();
        story.open("anna", "anna-weth", 0, 40_000, 42_000, 35);
        story.open("bert", "bert-weth", 0, 12_500, 15_000, 50);
        story.open("bert", "gina-weth", 0, 3_000, 2_500, 20);
        story.open("anna", "fritz-weth", 0, 8_000, 11_500, 60);
        let what =
            Manage::Register { rate: wad(45), fee: wad(2), least: wad(10), most: wad(100), period: 7200 };
        story.act("bert", "bert", Action::ManageGroup { branch: collateral(0), what });
        let terms = vec![(BATCH, Int::from(id("bert").0 + 1)), (OWNER, Int::from(id("anna").0 + 1))];
        let action =
            Action::Open { collateral: (collateral(0), wad(10_000)), debt: (DEBT, wad(9_000_000)), terms };
        story.act("anna", "carl-weth", action);
        story.open("anna", "carl-wsteth", 1, 20_000, 25_000, 40);
        story.open("bert", "dora-wsteth", 1, 6_000, 8_000, 65);
        story.open("anna", "hugo-reth", 2, 9_000, 9_500, 30);
        story.open("bert", "ida-reth", 2, 2_000, 2_800, 55);
        story.at += 3 * DAY;
        story.act(
            "anna",
            "dora-pool",
            Action::Stake { pool: deposit(0), amount: wad(6_000_000), claim: false },
        );
        story.act(
            "bert",
            "emil-pool",
            Action::Stake { pool: deposit(1), amount: wad(4_000_000), claim: false },
        );
        story.at += 20 * DAY;
        // Fritz falls: the pool pays about half, the other troves the rest.
        story.prices = [1_540_000, 1_890_000, 1_760_000];
        let accounts = vec![id("fritz-weth")];
        story.act("bert", "fritz-weth", Action::Liquidate(Mechanism::Batch { accounts }));
        story.prices = [1_700_000, 2_080_000, 1_950_000];
        story.at += DAY;
        let redeem = Mechanism::Redeem { amount: wad(4_500_000), max_iterations: 0, max_fee: wad(1000) };
        story.act("anna", "anna", Action::Liquidate(redeem));
        story.at += 5 * DAY + 1234;
        story.act("anna", "anna-weth", Action::Borrow { debt: DEBT, amount: Amount::Assets(wad(250_000)) });
        story
    }

    /// Today, after a fall that leaves one trove below its line.
    fn book(self) -> Book {
        let at = Time(self.at + 9 * DAY);
        let mut graph = plimsoll_core::Graph::default();
        let quotes = [
            ("WETH/USD", "WETH", "1585.25"),
            ("wstETH/USD", "wstETH", "1924.5"),
            ("rETH/USD", "rETH", "1655.4"),
        ];
        let mut wiring = Vec::new();
        for (name, asset, price) in quotes {
            let observation = Observation {
                kind: plimsoll_core::FeedKind::Oracle,
                price: Some(price.parse().unwrap()),
                scale: plimsoll_core::Scale::Decimal,
                source: "Chainlink".into(),
                observed_at: Some(Time(at.0 - 600)),
                max_age: Some(DAY),
                confidence: None,
                floor: None,
                ceiling: None,
            };
            let unit = plimsoll_core::PriceUnit { currency: "USD".into(), per: Some(asset.into()) };
            let price = Price { name: name.into(), unit, origin: Origin::Feed(observation) };
            wiring.push(Some(graph.add(price).unwrap()));
        }
        let owner = |name: &str| name.split('-').next().unwrap().to_string();
        let accounts = NAMES.iter().zip(self.accounts).map(|(name, account)| ListedAccount {
            name: (*name).to_string(),
            owner: owner(name),
            market: 0,
            account,
        });
        let market = ListedMarket { name: "bold".into(), market: Box::new(self.market), wiring };
        Book { name: "Liquity troves".into(), at, graph, markets: vec![market], accounts: accounts.collect() }
    }
}

fn example() -> Book {
    sound(book::open(Path::new(EXAMPLE)))
}

/// Everything of a market but its epoch, which files do not have.
fn numbers(book: &Book) -> Vec<(plimsoll_core::Cell, &'static str, Int)> {
    let mut cells = Vec::new();
    book.markets[0].market.visit(&mut |cell, name, _, value| cells.push((cell, name, value)));
    cells
}

#[test]
fn what_was_done_is_written_and_read_back_the_same() {
    let made = Story::told().book();
    let written = book::write(&made).unwrap();
    if let Some(folder) = std::env::var_os("PLIMSOLL_EXAMPLE") {
        written.save(Path::new(&folder)).unwrap();
    }
    let read = sound(book::read(files(&written)));
    assert_eq!(numbers(&read), numbers(&made));
    let accounts = |book: &Book| book.accounts.iter().map(|one| one.account.clone()).collect::<Vec<_>>();
    assert_eq!(accounts(&read), accounts(&made));
    let again = book::write(&read).unwrap();
    assert_eq!(again, written);
    assert_eq!(all_of(&sound(book::read(files(&again)))), all_of(&read));
    let json = book::write_json(&read).unwrap();
    assert_eq!(all_of(&sound(book::read(vec![file("book.json", json)]))), all_of(&read));
}

#[test]
fn the_example_is_the_story() {
    let story = book::write(&Story::told().book()).unwrap();
    assert_eq!(book::write(&example()).unwrap(), story);
}

#[test]
fn one_trove_of_the_example_is_unhealthy_and_debt_stands_before_each() {
    let book = example();
    let listed = &book.markets[0];
    let readings = book.readings(listed, &book.graph.quotes(book.at));
    let standing = Standing::new(&*listed.market, &readings, Lens::Action, book.at).unwrap();
    let mut unhealthy = Vec::new();
    for one in &book.accounts {
        let judged = standing.judge(&one.account, Test::Liquidation);
        assert_eq!(judged.certainty, Certainty::Certain);
        if judged.verdict() == Some(Verdict::Unhealthy) {
            unhealthy.push(one.name.as_str());
        }
    }
    assert_eq!(unhealthy, ["ida-reth"]);
    let queues = listed.market.queues(&book, Feeds { readings: &readings }, book.at);
    let names: Vec<Vec<&str>> = queues
        .iter()
        .map(|queue| {
            queue.as_ref().unwrap().iter().map(|one| book.accounts[one.account.0 as usize].name.as_str())
        })
        .map(Iterator::collect)
        .collect();
    // From the lowest rate upward; the batch stands at its manager's rate.
    assert_eq!(names[0], ["anna-weth", "carl-weth", "bert-weth"]);
    assert_eq!(names[1], ["carl-wsteth", "dora-wsteth"]);
    assert_eq!(names[2], ["hugo-reth", "ida-reth"]);
}

// ---- by hand and faulty ---------------------------------------------------------------------------------------

const HEAD: &str = "format = 1\nname = \"small\"\nat = 1760000000\n";
const FEEDS: &str = "feed,kind,price,unit,source,observed_at,max_age,confidence\n\
    ETH,oracle,2000,USD/WETH,somebody,1760000000,,\n";
const MARKET: &str = "venue = \"liquity_v2\"\nrevision = \"1.0\"\n[[branches]]\ncollateral = \"WETH\"\nfeed = \"ETH\"\n\
    ccr = \"1500000000000000000\"\nmcr = \"1100000000000000000\"\nbcr = \"100000000000000000\"\n\
    scr = \"1100000000000000000\"\npenalty_pool = \"50000000000000000\"\npenalty_redistribution = \"100000000000000000\"\n";
const POSITIONS: &str = "account,market,kind,asset,quantity,unit,mode\n\
    one,bold,collateral,WETH,10,token,trove=active; branch=WETH; rate=50000000000000000\n\
    one,bold,debt,BOLD,9000,token,trove=active; branch=WETH; rate=50000000000000000\n\
    two,bold,collateral,WETH,10,token,trove=active; branch=WETH; rate=60000000000000000\n\
    two,bold,debt,BOLD,9000,token,trove=active; branch=WETH; rate=60000000000000000\n\
    three,bold,supply,BOLD in the WETH pool,500,token,\n\
    four,bold,supply,BOLD,7,token,\n";

fn opened(market: &str, positions: &str) -> book::Opened {
    book::read(vec![
        file("book.toml", HEAD),
        file("feeds.csv", FEEDS),
        file("markets/bold.toml", market),
        file("positions.csv", positions),
    ])
}

/// Troves that say no more than their rate stand in the order of their rates, and owe what they owe now.
#[test]
fn a_small_book_is_written_by_hand() {
    let book = sound(opened(MARKET, POSITIONS));
    let listed = &book.markets[0];
    let readings = book.readings(listed, &book.graph.quotes(book.at));
    let queues = listed.market.queues(&book, Feeds { readings: &readings }, book.at);
    let order: Vec<u64> = queues[0].as_ref().unwrap().iter().map(|one| one.account.0).collect();
    assert_eq!(order, [0, 1]);
    assert_eq!(book.accounts[3].account.term(PURSE), Int::ONE);
    let written = book::write(&book).unwrap();
    assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&book));
}

/// Ratios at a wrong scale, exchanged, or such as no branch can be deployed with (`AddressesRegistry`: CCR, MCR and SCR
/// above 100 % and below 200 %, BCR from 5 % to below 50 %, penalties from 5 % to 20 %, the pool's not the higher).
#[test]
fn rules_that_no_branch_is_deployed_with_are_told() {
    let told = |name: &str, from: &str, to: &str| {
        let from = format!("\n{name} = \"{from}\"");
        assert!(MARKET.contains(&from));
        let wrong = MARKET.replacen(&from, &format!("\n{name} = \"{to}\""), 1);
        let opened = opened(&wrong, POSITIONS);
        let fault = opened.faults.list.first().expect("a fault");
        (fault.code.name(), fault.place.map(|place| place.line), fault.found.clone(), fault.expected.clone())
    };
    let is = |name: &str, line: u32, from: &str, to: &str, expected: &str| {
        let said = ("PL0515", Some(line), to.to_string(), expected.to_string());
        assert_eq!(told(name, from, to), said, "{name} = {to}");
    };
    let ratios = "from 1000000000000000001 to 1999999999999999999";
    let names = [
        ("ccr", 6, "1500000000000000000"),
        ("mcr", 7, "1100000000000000000"),
        ("scr", 9, "1100000000000000000"),
    ];
    for (name, line, from) in names {
        for wrong in ["0", "110", "1100000000000000", "1000000000000000000", "2000000000000000000"] {
            is(name, line, from, wrong, ratios);
        }
    }
    is("mcr", 7, "1100000000000000000", "1500000000000000001", "at most ccr, 1500000000000000000");
    is("scr", 9, "1100000000000000000", "1100000000000000001", "at most mcr, 1100000000000000000");
    let buffers = "from 50000000000000000 to 499999999999999999";
    for wrong in ["49999999999999999", "500000000000000000"] {
        is("bcr", 8, "100000000000000000", wrong, buffers);
    }
    let penalties = "from 50000000000000000 to 200000000000000000";
    is("penalty_pool", 10, "50000000000000000", "49999999999999999", penalties);
    is("penalty_redistribution", 11, "100000000000000000", "200000000000000001", penalties);
    let least = "at most penalty_redistribution, 100000000000000000";
    is("penalty_pool", 10, "50000000000000000", "100000000000000001", least);
}

/// Code, line and what is found of the first fault.
fn first_fault(market: &str, positions: &str) -> (String, Option<u32>) {
    let opened = opened(market, positions);
    let fault = opened.faults.list.first().expect("a fault");
    (fault.code.name().to_string(), fault.place.map(|place| place.line))
}

#[test]
fn faults_are_told_where_they_stand() {
    let market = |from: &str, to: &str| first_fault(&MARKET.replacen(from, to, 1), POSITIONS);
    let positions = |from: &str, to: &str| first_fault(MARKET, &POSITIONS.replacen(from, to, 1));
    let at = |code: &str, line| (code.to_string(), Some(line));
    assert_eq!(market("mcr = \"1100000000000000000\"\n", ""), at("PL0510", 3));
    assert_eq!(market("mcr = \"11", "mcr = \"-11"), at("PL0516", 7));
    assert_eq!(market("feed = \"ETH\"", "feeds = \"ETH\""), at("PL0509", 5));
    assert_eq!(market("feed = \"ETH\"", "feed = \"BTC\""), at("PL0541", 5));
    assert_eq!(
        market("ccr = \"1500000000000000000\"", "ccr = \"1500000000000000000000000\""),
        at("PL0515", 6)
    );
    let state = |line: &str| first_fault(&format!("{MARKET}[branches.state]\n{line}\n"), POSITIONS);
    assert_eq!(state("last_interest_update = 1760000001"), at("PL0576", 13));
    assert_eq!(state("product = 0"), at("PL0515", 13));
    assert_eq!(state("troves = 2"), at("PL0509", 13));
    let batch = |line: &str| {
        let numbers = "rate = \"40000000000000000\"\nfee = 0\nmin_rate = \"10000000000000000\"\n\
            max_rate = \"100000000000000000\"\nchange_period = 3600\n";
        first_fault(&format!("{MARKET}[[branches.batches]]\n{line}\n{numbers}"), POSITIONS)
    };
    assert_eq!(batch("manager = \"nobody\""), at("PL0560", 13));
    assert_eq!(batch("manager = \"four\"\nheads = 1"), at("PL0509", 14));
    let number = |from: &str, to: &str| {
        let numbers = "rate = \"40000000000000000\"\nfee = 0\nmin_rate = \"10000000000000000\"\n\
            max_rate = \"100000000000000000\"\nchange_period = 3600\n";
        let wrong = numbers.replacen(from, to, 1);
        first_fault(&format!("{MARKET}[[branches.batches]]\nmanager = \"four\"\n{wrong}"), POSITIONS)
    };
    assert_eq!(number("\"400", "\"4000"), at("PL0515", 14));
    assert_eq!(number("\"400", "\"40000"), at("PL0515", 14));
    assert_eq!(number("\"400", "\"4"), at("PL0515", 14));
    assert_eq!(number("fee = 0", "fee = \"100000000000000001\""), at("PL0515", 15));
    assert_eq!(number("\"100", "\"1"), at("PL0515", 16));
    assert_eq!(number("max_rate = \"1", "max_rate = \"100"), at("PL0515", 17));
    assert_eq!(number("\"10000000000000000\"", "\"100000000000000000\""), at("PL0515", 17));
    assert_eq!(number("3600", "3599"), at("PL0515", 18));
    let doubled = MARKET.split_once("[[branches]]").unwrap().1;
    assert_eq!(first_fault(&format!("{MARKET}[[branches]]{doubled}"), POSITIONS), at("PL0575", 13));

    assert_eq!(positions("collateral,WETH", "collateral,WBTC"), at("PL0553", 2));
    assert_eq!(positions("debt,BOLD", "debt,USDC"), at("PL0553", 3));
    let both = POSITIONS.replace("rate=5", "rates=5");
    assert_eq!(first_fault(MARKET, &both), at("PL0554", 2));
    let both = POSITIONS.replace("branch=WETH; rate=5", "branch=BTC; rate=5");
    assert_eq!(first_fault(MARKET, &both), at("PL0553", 2));
    let both = POSITIONS.replace("trove=active; branch=WETH; rate=5", "trove=open; branch=WETH; rate=5");
    assert_eq!(first_fault(MARKET, &both), at("PL0520", 2));
    let both = POSITIONS.replace("trove=active; branch=WETH; rate=5", "branch=WETH; rate=5");
    assert_eq!(first_fault(MARKET, &both), at("PL0554", 2));
    let both = POSITIONS.replace("rate=50000000000000000", "rate=50000000000000000; owner=nobody");
    assert_eq!(first_fault(MARKET, &both), at("PL0560", 2));
    // Who names a next one is named by nobody, and stands in no list.
    let both = POSITIONS.replace("rate=50000000000000000", "rate=50000000000000000; next=one");
    assert_eq!(first_fault(MARKET, &both), at("PL0559", 2));
}

// ---- books that contradict themselves -------------------------------------------------------------------------------

/// The first fault of the example with something else in one of its files: code, line, what is found and expected.
fn spoilt(file_name: &str, from: &str, to: &str) -> (&'static str, Option<u32>, String, String) {
    let opened = example_with(file_name, from, to);
    let fault = opened.faults.list.first().expect("a fault");
    (fault.code.name(), fault.place.map(|place| place.line), fault.found.clone(), fault.expected.clone())
}

fn example_with(file_name: &str, from: &str, to: &str) -> book::Opened {
    common::changed("liquity", |name, text| {
        if name != file_name {
            return text;
        }
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

/// What one account says and cannot be; before, it was a trove or a deposit of which nothing is known.
#[test]
fn accounts_that_contradict_themselves_are_told() {
    let rows = |from: &str, to: &str| {
        let (code, line, found, expected) = spoilt("positions.csv", from, to);
        assert!(!found.is_empty() && !expected.is_empty());
        (code, line)
    };
    let small = |from: &str, to: &str| {
        let (code, line) = first_fault(MARKET, &POSITIONS.replace(from, to));
        assert!(POSITIONS.contains(from));
        (code, line)
    };
    let at = |code: &str, line| (code.to_string(), Some(line));
    // A closed trove that still has something.
    assert_eq!(
        rows("fritz-weth,bold,collateral,WETH,0", "fritz-weth,bold,collateral,WETH,1"),
        ("PL0559", Some(11))
    );
    // No rate and no batch; a rate at the scale of per cent; a rate beside a batch.
    assert_eq!(small("; rate=50000000000000000", ""), at("PL0554", 2));
    assert_eq!(small("rate=50000000000000000", "rate=5"), at("PL0515", 2));
    assert_eq!(small("rate=50000000000000000", "rate=2500000000000000001"), at("PL0515", 2));
    assert_eq!(rows("batch=bert; owner=anna", "batch=bert; rate=50000000000000000"), ("PL0559", Some(8)));
    // A batch of nobody's; shares outside of a batch; a debt of its own inside of one.
    assert_eq!(rows("batch=bert", "batch=anna"), ("PL0559", Some(8)));
    assert_eq!(rows("batch=bert", "rate=50000000000000000"), ("PL0559", Some(8)));
    assert_eq!(rows("BOLD batch shares,9007260133763314043605,shares", "BOLD,1,raw"), ("PL0559", Some(8)));
    // No mode at all.
    assert_eq!(small("trove=active; branch=WETH; rate=50000000000000000", ""), at("PL0554", 2));
    assert_eq!(small("trove=active; branch=WETH; rate=50000000000000000", "stake=5"), at("PL0554", 2));
    // Later than the book.
    assert_eq!(rows("last_update=1762506834", "last_update=1763284435"), ("PL0576", Some(4)));
    assert_eq!(
        rows("last_update=1760000000; last_change=1760000000; next=carl-weth", "last_change=1763284435"),
        ("PL0576", Some(6))
    );
    // Snapshots of what has not been.
    assert_eq!(
        rows("snapshot_collateral=59374073900142725", "snapshot_collateral=59374073900142726"),
        ("PL0515", Some(4))
    );
    assert_eq!(
        rows("snapshot_debt=84789442276601793145", "snapshot_debt=84789442276601793146"),
        ("PL0515", Some(4))
    );
    let pool = |more: &str| {
        rows(
            "dora-pool,bold,supply,BOLD in the WETH pool,6000000000000000000000,raw,dora,,",
            &format!("dora-pool,bold,supply,BOLD in the WETH pool,6000000000000000000000,raw,dora,,{more}; "),
        )
    };
    assert_eq!(pool("snapshot_scale=1"), ("PL0515", Some(16)));
    assert_eq!(pool("snapshot_sum=681704545454545454500000000000001"), ("PL0515", Some(16)));
    assert_eq!(pool("snapshot_yield=39387646714139283389666666666666643"), ("PL0515", Some(16)));
    let less = "snapshot_product=166666666666666666666666666666665";
    assert_eq!(rows("snapshot_product=1000000000000000000000000000000000000", less), ("PL0515", Some(16)));
    // A person with the numbers of a trove, a trove with a deposit, a deposit in two pools.
    assert_eq!(small("7,token,", "7,token,stake=5"), at("PL0554", 7));
    assert_eq!(small("three,bold", "one,bold"), at("PL0557", 6));
    let two = format!("{POSITIONS}three,bold,supply,BOLD in the rETH pool,5,token,\n");
    let (_, other) = MARKET.split_once("[[branches]]").unwrap();
    let other = other.replace("WETH", "rETH").replace("feed = \"ETH\"\n", "");
    assert_eq!(first_fault(&format!("{MARKET}[[branches]]{other}"), &two), at("PL0559", 6));
    // Each status is told, also the one that a redemption leaves.
    let (_, _, _, expected) = spoilt("positions.csv", "trove=zombie", "trove=last");
    assert_eq!(expected, "one of active, closed, liquidated, zombie, last_zombie");
    // Shares are no amount of a token.
    for unit in ["token", "raw"] {
        let to = format!("9007260133763314043605,{unit}");
        let opened = example_with("positions.csv", "9007260133763314043605,shares", &to);
        let fault = opened.faults.list.iter().find(|fault| fault.code.name() == "PL0521").unwrap();
        assert_eq!(fault.place.map(|place| place.line), Some(8));
        assert_eq!((&*fault.found, &*fault.expected), (&*format!("\"{unit}\""), "`shares`"));
    }
}

/// Sums of accounts above the totals are impossible; where all stakes are listed, sums below them, too.
#[test]
fn accounts_above_their_totals_are_told() {
    let total = |from: &str, to: &str, expected: &str| {
        let (code, line, found, said) = spoilt("markets/bold.toml", from, to);
        assert_eq!((code, found.as_str()), ("PL0578", to.replace('"', "").as_str()), "{line:?}");
        assert!(said.contains(expected), "{said}");
        line
    };
    let number = |name: &str, value: &str, wrong: &str, expected: &str| {
        total(&format!("{name} = \"{value}\""), &format!("{name} = \"{wrong}\""), expected)
    };
    let stakes = "63964767666256017847";
    assert_eq!(number("total_stakes", stakes, "63964767666256017846", stakes), Some(26));
    let held = "66426699845924551268";
    assert_eq!(number("active_collateral", held, "66426699845924551267", held), Some(17));
    assert_eq!(number("active_collateral", held, "66426699845924551269", held), Some(17));
    let weighted = "2753988736966056273994130000000000000000";
    assert_eq!(
        number("weighted_debt", weighted, "2753988736966056273994130000000000000001", weighted),
        Some(19)
    );
    assert_eq!(
        number("weighted_debt", weighted, "2753988736966056273994129999999999999999", weighted),
        Some(19)
    );
    // Recorded debts of the three troves and the batch, each as of its last update.
    let recorded =
        45_660_053_061_139_133_340_873 + 15_011_203_476_136_749_502_027 + 9_007_260_133_763_314_043_605_u128;
    let sum = recorded.to_string();
    assert_eq!(
        number("recorded_debt", "69770399488470139259574", &(recorded - 1).to_string(), &sum),
        Some(18)
    );
    assert!(example_with("markets/bold.toml", "69770399488470139259574", &sum).faults.is_empty());
    // Of dora's 6000 offsets have left one sixth of a thousandth: 1000.
    assert_eq!(
        number("deposits", "4000000000000000000000", "3999999999999999999999", "4000000000000000000000"),
        Some(88)
    );
    let shares = "9007260133763314043605";
    assert_eq!(number("shares", shares, "9007260133763314043604", shares), Some(51));
    assert_eq!(number("shares", shares, "9007260133763314043606", shares), Some(51));
    let known = "115528637040516336760548";
    assert_eq!(number("supply", known, "115528637040516336760547", known), Some(4));
}

/// A book of a part of a branch: its troves are judged, and nobody is said to be redeemed first.
#[test]
fn a_part_of_a_branch_has_no_queue() {
    let opened = example_with("positions.csv", "hugo-reth,bold", "hugo-reth,other");
    assert!(!opened.faults.is_empty());
    let text = std::fs::read_to_string(Path::new(EXAMPLE).join("positions.csv")).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("hugo-reth")).collect();
    let without = format!("{}\n", lines.join("\n")).replace("; next=hugo-reth", "");
    let book = sound(example_with("positions.csv", &text, &without));
    let listed = &book.markets[0];
    let readings = book.readings(listed, &book.graph.quotes(book.at));
    let queues = listed.market.queues(&book, Feeds { readings: &readings }, book.at);
    assert!(queues[0].is_ok() && queues[1].is_ok());
    assert_eq!(queues[2], Err(plimsoll_core::Refusal::AccountsMissing));
    // Ida is below her line, and not the last of her branch.
    let ida = book.accounts.iter().find(|one| one.name == "ida-reth").unwrap();
    let standing = Standing::new(&*listed.market, &readings, Lens::Action, book.at).unwrap();
    let judged = standing.judge(&ida.account, Test::Liquidation);
    assert_eq!(judged.verdict(), Some(Verdict::Unhealthy));
    let quoted = listed.market.at(Feeds { readings: &readings }, Lens::Action, book.at).unwrap();
    let assessment = quoted.verdict(&ida.account, Test::Liquidation).unwrap();
    assert_eq!(assessment.executable, Ok(()));
    // Nobody redeems from it.
    let redeem = Mechanism::Redeem { amount: wad(1_000_000), max_iterations: 0, max_fee: wad(1000) };
    let call =
        Call { actor: AccountId(77), account: AccountId(77), at: book.at, action: Action::Liquidate(redeem) };
    let refused = listed.market.act(&call, &book, Feeds { readings: &readings }, &mut Silent);
    assert_eq!(refused.err(), Some(plimsoll_core::Refusal::AccountsMissing));
    // Written and read again it is the same.
    let written = book::write(&book).unwrap();
    assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&book));
}

/// An active trove owes 2000 at least: less is a row that is missing or in the wrong unit. A redemption makes a zombie of who
/// has less, and urgent redemptions of a branch that was shut down leave whatever is left.
#[test]
fn an_active_trove_owes_the_minimum() {
    let debt = |quantity: &str, unit: &str| {
        POSITIONS.replacen(
            "one,bold,debt,BOLD,9000,token",
            &format!("one,bold,debt,BOLD,{quantity},{unit}"),
            1,
        )
    };
    let active = debt("1999999999999999999999", "raw");
    let fault = opened(MARKET, &active).faults.list.into_iter().next().expect("a fault");
    assert_eq!((fault.code.name(), fault.place.map(|place| place.line)), ("PL0559", Some(2)));
    assert_eq!(fault.found, "an active trove with a debt of 1999999999999999999999 raw");
    assert!(fault.expected.contains("2000000000000000000000"), "{}", fault.expected);
    let none = debt("0", "raw");
    let fault = opened(MARKET, &none).faults.list.into_iter().next().expect("a fault");
    assert_eq!(fault.found, "an active trove with no debt");
    sound(opened(MARKET, &debt("2000", "token")));
    for text in [&active, &none] {
        sound(opened(
            MARKET,
            &text
                .replace(
                    "one,bold,collateral,WETH,10,token,trove=active",
                    "one,bold,collateral,WETH,10,token,trove=zombie",
                )
                .replace("BOLD,0,raw,trove=active", "BOLD,0,raw,trove=zombie")
                .replace("999,raw,trove=active", "999,raw,trove=zombie"),
        ));
        let owed = if text == &none { "9000000000000000000000" } else { "10999999999999999999999" };
        let weighted = if text == &none {
            "540000000000000000000000000000000000000"
        } else {
            "639999999999999999999950000000000000000"
        };
        let shut = format!(
            "{MARKET}[branches.state]\nactive_collateral = \"20000000000000000000\"\nrecorded_debt = \"{owed}\"\n\
             weighted_debt = \"{weighted}\"\nlast_interest_update = 1760000000\n\
             total_stakes = \"20000000000000000000\"\nshutdown_time = 1760000000\n\
             deposits = \"500000000000000000000\"\nproduct = \"1000000000000000000000000000000000000\"\n"
        );
        sound(opened(&shut, text));
    }
}

/// Without a state of its own a branch has the totals of the accounts listed: 20 WETH and 18000 BOLD at 2000 are 222 %.
#[test]
fn a_branch_without_a_state_is_what_is_listed() {
    let book = sound(opened(MARKET, POSITIONS));
    let listed = &book.markets[0];
    let readings = book.readings(listed, &book.graph.quotes(book.at));
    let quoted = listed.market.at(Feeds { readings: &readings }, Lens::Action, book.at).unwrap();
    let figures = quoted.figures(&book.accounts[0].account).unwrap();
    let figure = |name: &str| figures.iter().find(|figure| figure.name == name).unwrap().value;
    assert_eq!(figure("TCR"), Int::from(U256::new(2_222_222_222_222_222_222)));
    // Of 18000 the pool backs 500; there is one branch.
    assert_eq!(figure("unbackedShare"), Int::from(wad(1000)));
}

/// Where every debt is backed a redemption goes by the size of the branches: 18000 of one, 9000 of another are two thirds.
#[test]
fn where_all_is_backed_a_branch_is_redeemed_by_its_size() {
    let (_, other) = MARKET.split_once("[[branches]]").unwrap();
    let other = other.replace("WETH", "rETH").replace("feed = \"ETH\"", "feed = \"RETH\"");
    let mode = "trove=active; branch=rETH; rate=50000000000000000";
    let positions = POSITIONS.replace("pool,500,", "pool,18000,")
        + &format!(
            "five,bold,collateral,rETH,10,token,{mode}\nfive,bold,debt,BOLD,9000,token,{mode}\n\
            six,bold,supply,BOLD in the rETH pool,9000,token,\n"
        );
    let book = sound(book::read(vec![
        file("book.toml", HEAD),
        file("feeds.csv", format!("{FEEDS}RETH,oracle,2000,USD/rETH,somebody,1760000000,,\n")),
        file("markets/bold.toml", format!("{MARKET}[[branches]]{other}")),
        file("positions.csv", positions),
    ]));
    let listed = &book.markets[0];
    let readings = book.readings(listed, &book.graph.quotes(book.at));
    let quoted = listed.market.at(Feeds { readings: &readings }, Lens::Action, book.at).unwrap();
    let share = |name: &str| {
        let account = book.accounts.iter().find(|one| one.name == name).unwrap();
        let figures = quoted.figures(&account.account).unwrap();
        figures.iter().find(|figure| figure.name == "unbackedShare").unwrap().value
    };
    assert_eq!(share("one"), Int::from(U256::new(666_666_666_666_666_666)));
    assert_eq!(share("five"), Int::from(U256::new(333_333_333_333_333_333)));
}
