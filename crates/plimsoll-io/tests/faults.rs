//! Every fault of a book: where it is told, as what, and what becomes of the rest.

mod common;

use common::told;
use plimsoll_io::book::{self, File, FileBytes, Opened};

const HEAD: &str = r#"format = 1
name = "base"
at = 1760097600

[[price]]
name = "stETH/USD"
unit = "USD/stETH"
product = ["stETH/ETH", "ETH/USD"]
decimals = 8
rounding = "down"

[[price]]
name = "one"
unit = "USDC/USD"
constant = "1.00"
"#;

const FEEDS: &str = "\
feed,kind,price,unit,source,observed_at,max_age,confidence,floor,ceiling
ETH/USD,oracle,2000.00,USD/ETH,test,1760097500,1h,,0.01,1000000
stETH/ETH,redemption,1.0001,ETH/stETH,test,1760097500,24h,,,
USDC/USD,oracle,100000000,USD/USDC raw,test,1760097500,,,,
WETH/USDC,oracle,2000,USDC/WETH,test,,,,,
";

const POOL: &str = r#"venue = "aave_v3"
revision = "3.3"
currency = "USD"

[[reserves]]
asset = "WETH"
feed = "ETH/USD"
decimals = 18
ltv = 8000
liquidation_threshold = 8250
liquidation_bonus = 10500

[reserves.state]
liquidity_index = "1020000000000000000000000000"
variable_borrow_index = "1030000000000000000000000000"
liquidity_rate = "0"
variable_borrow_rate = "0"
last_update = 1760097000
scaled_supply = "1000000000000000000000"
scaled_debt = "0"
cash = "1020000000000000000000"

[[reserves]]
asset = "USDC"
feed = "USDC/USD"
decimals = 6
ltv = 7500
liquidation_threshold = 7800
liquidation_bonus = 10450
rates = { optimal = 9000, base = 0, slope1 = 400, slope2 = 6000 }

[[emodes]]
id = 1
label = "ETH"
ltv = 9000
liquidation_threshold = 9300
liquidation_bonus = 10100
collateral = ["WETH"]
borrowable = ["WETH"]
"#;

const MORPHO: &str = r#"{
  "venue": "morpho_blue", "revision": "1.0",
  "loan": {"asset": "USDC", "decimals": 6},
  "collateral": {"asset": "WETH", "decimals": 18},
  "lltv": "860000000000000000", "irm": "none", "feed": "WETH/USDC",
  "state": {"total_supply_assets": "1000000", "total_supply_shares": "1000000000000",
            "total_borrow_assets": "500000", "total_borrow_shares": "500000000000", "last_update": 1760097600}
}
"#;

const POSITIONS: &str = "\
account,market,kind,asset,quantity,unit,owner,as_collateral,mode
a,pool,collateral,WETH,10,token,,,
a,pool,debt,USDC,15000,token,,,
b,pool,supply,WETH,1020000000000000000,raw,Bob,no,emode=1
b,pool,debt,WETH,5,scaled,Bob,,emode=1
c,morpho,collateral,WETH,1.5,token,,,
c,morpho,debt,USDC,500000000000,shares,,,
";

const BASE: [(&str, &str); 5] = [
    ("book.toml", HEAD),
    ("feeds.csv", FEEDS),
    ("markets/morpho.json", MORPHO),
    ("markets/pool.toml", POOL),
    ("positions.csv", POSITIONS),
];

fn read(files: &[(&str, Vec<u8>)]) -> Opened {
    let files = files
        .iter()
        .map(|(name, bytes)| File { name: (*name).to_string(), bytes: FileBytes::Read(bytes.clone()) });
    book::read(files.collect())
}

fn edited(edits: &[(&str, &str, &str)]) -> Opened {
    let mut files: Vec<(&str, Vec<u8>)> =
        BASE.iter().map(|(name, text)| (*name, text.as_bytes().to_vec())).collect();
    for (name, from, to) in edits {
        let (_, bytes) = files.iter_mut().find(|(file, _)| file == name).expect("a file of the base");
        let text = String::from_utf8(bytes.clone()).expect("text");
        assert!(from.is_empty() || text.contains(from), "{name} has {from:?}");
        let text = if from.is_empty() { (*to).to_string() } else { text.replacen(from, to, 1) };
        *bytes = text.into_bytes();
    }
    read(&files)
}

/// Replaces one text of one file of the base and tells the faults (`file:line:column CODE`, one a line) and the
/// accounts that are left.
#[track_caller]
fn check(file: &str, from: &str, to: &str, faults: &str, accounts: &str) {
    all(file, &[(file, from, to, faults, accounts)].map(|(_, a, b, c, d)| (a, b, c, d)));
}

/// [`check`] for many edits of one file; faults without a file are of that file.
#[track_caller]
fn all(file: &str, cases: &[(&str, &str, &str, &str)]) {
    let wrong: String = cases.iter().filter_map(|case| mismatch(file, *case)).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

fn mismatch(file: &str, (from, to, faults, accounts): (&str, &str, &str, &str)) -> Option<String> {
    let lines = faults.lines().map(|line| {
        if line.starts_with(|c: char| c.is_ascii_digit()) {
            format!("{file}:{line}")
        } else {
            line.to_string()
        }
    });
    let faults = lines.collect::<Vec<_>>().join("\n");
    let opened = edited(&[(file, from, to)]);
    let left: Vec<&str> = opened.book.accounts.iter().map(|account| account.name.as_str()).collect();
    let (told, left) = (told(&opened).join("\n"), left.join(" "));
    let same = told == faults && left == accounts;
    (!same).then(|| {
        let shown = opened.faults.render(false);
        format!(
            "{from:?} -> {to:?}\nexpected {faults:?}, {accounts:?}\nfound    {told:?}, {left:?}\n{shown}\n"
        )
    })
}

#[test]
fn the_base_is_sound() {
    check("book.toml", "format = 1", "format = 1", "", "a b c");
}

#[test]
fn heads() {
    all(
        "book.toml",
        &[
            ("format = 1", "format = 2", "1:10 PL0512", ""),
            ("format = 1\n", "", "1:1 PL0510", ""),
            // A head that says two things says nothing.
            ("format = 1", "format = 1\nformat = 1", "2:1 PL0508", ""),
            ("at = 1760097600", "at = 1760097600\nat = 1760097601", "4:1 PL0508", ""),
            ("name = \"base\"", "nmae = \"base\"", "1:1 PL0510\nbook.toml:2:1 PL0509", "a b c"),
            ("at = 1760097600", "at = 1760097600000", "3:6 PL0518", ""),
            ("at = 1760097600", "at = 2025-10-10 12:00:00Z", "", "a b c"),
            ("at = 1760097600", "at = 2025-10-10", "3:6 PL0518", ""),
            ("at = 1760097600", "at = 1.76e9", "3:6 PL0518", ""),
            ("at = 1760097600", "at = [1]", "3:6 PL0511", ""),
            ("at = 1760097600", "at = ", "3:6 PL0505", ""),
            ("name = \"base\"", "name = \"\u{0}\"", "2:9 PL0504", ""),
        ],
    );
}

#[test]
fn derived_prices() {
    let two = "constant = \"1\"\n[[price]]\nname=\"x\"\nunit=\"USD\"\nleast=[\"y\"]\n[[price]]\nname=\"y\"\nunit=\"USD\"\nleast=[\"x\"]\n";
    all(
        "book.toml",
        &[
            ("\"stETH/ETH\", \"ETH/USD\"", "\"stETH/ETH\", \"ETH/UDS\"", "8:25 PL0541", "a b c"),
            ("\"stETH/ETH\", \"ETH/USD\"", "\"stETH/ETH\", \"USDC/USD\"", "6:8 PL0543", "a b c"),
            ("\"stETH/ETH\", \"ETH/USD\"", "\"stETH/ETH\", \"stETH/USD\"", "6:8 PL0542", "a b c"),
            ("\"stETH/ETH\", \"ETH/USD\"", "", "8:11 PL0515", "a b c"),
            ("unit = \"USD/stETH\"", "unit = \"EUR/stETH\"", "6:8 PL0544", "a b c"),
            ("unit = \"USD/stETH\"", "unit = \"USD/\"", "7:8 PL0521", "a b c"),
            ("decimals = 8\n", "", "8:11 PL0510", "a b c"),
            ("decimals = 8", "decimals = 61", "9:12 PL0515", "a b c"),
            ("rounding = \"down\"", "rounding = \"dwon\"", "10:12 PL0520", "a b c"),
            ("rounding = \"down\"", "rounding = \"down\"\nconstant = \"1\"", "11:12 PL0523", "a b c"),
            ("constant = \"1.00\"", "constant = 1.00", "15:12 PL0511", "a b c"),
            ("constant = \"1.00\"", "constant = \"-1\"", "15:12 PL0516", "a b c"),
            ("constant = \"1.00\"", "constant = \"1\"\ndecimals = 2", "16:12 PL0523", "a b c"),
            ("constant = \"1.00\"\n", "", "12:1 PL0510", "a b c"),
            ("name = \"one\"", "name = \"ETH/USD\"", "13:8 PL0540", "a b c"),
            // Order does not matter, and a circle of two is told for both.
            (
                "product = [\"stETH/ETH\", \"ETH/USD\"]",
                "product = [\"one\", \"ETH/USD\"]",
                "6:8 PL0544",
                "a b c",
            ),
            ("constant = \"1.00\"\n", two, "17:6 PL0542\nbook.toml:21:6 PL0542", "a b c"),
        ],
    );
}

#[test]
fn feeds() {
    all(
        "feeds.csv",
        &[
            ("2000.00", "", "", "a b c"),
            ("2000.00", "-1", "", "a b c"),
            ("2000.00", "2e3", "2:16 PL0513", "a b c"),
            ("2000.00", "NaN", "2:16 PL0513", "a b c"),
            ("2000.00", "\"2,000.00\"", "2:16 PL0513", "a b c"),
            ("100000000,USD/USDC raw", "1.0,USD/USDC raw", "4:17 PL0513", "a b c"),
            (",oracle,2000.00", ",oracel,2000.00", "2:9 PL0520", "a b c"),
            ("USD/ETH,test", "USD per ETH,test", "2:24 PL0521", "a b c"),
            ("USD/ETH,test", "USD/ETH,", "2:1 PL0510", "a b c"),
            ("1760097500,1h", "yesterday,1h", "2:37 PL0518", "a b c"),
            ("1760097500,1h", "1760097500,1 hour", "2:48 PL0519", "a b c"),
            ("0.01,1000000", "1000000,0.01", "2:52 PL0548", "a b c"),
            ("0.01,1000000", "-1,1000000", "2:52 PL0516", "a b c"),
            ("2000.00", "\"2000.00", "2:16 PL0534", "a b c"),
            ("2000.00", "20\"00", "2:16 PL0534", "a b c"),
            (",,,\nUSDC", ",,\nUSDC", "3:1 PL0533", "a b c"),
        ],
    );
}

#[test]
fn a_name_twice_or_a_missing_column_spoils_what_stands_on_it() {
    let twice = "book.toml:8:12 PL0541\nfeeds.csv:3:1 PL0540";
    check("feeds.csv", "stETH/ETH,redemption", "ETH/USD,redemption", twice, "a b c");
    check("feeds.csv", "feed,kind", "fed,kind", "1:1 PL0530\n1:1 PL0531", "a b c");
    check("feeds.csv", "feed,kind", "kind,kind", "1:1 PL0531\n1:6 PL0532", "a b c");
    check("feeds.csv", "floor,ceiling", "flour,ceiling", "1:60 PL0530", "a b c");
}

#[test]
fn markets() {
    all(
        "markets/pool.toml",
        &[
            ("aave_v3", "aave_v2", "1:9 PL0550", "c"),
            ("\"3.3\"", "\"3.8\"", "2:12 PL0551", "c"),
            ("\"3.3\"", "3.3", "2:12 PL0511", "c"),
            ("venue = \"aave_v3\"\n", "", "1:1 PL0510", "c"),
            ("decimals = 18", "decimals = 39", "8:12 PL0574", "c"),
            ("decimals = 18", "decimals = -1", "8:12 PL0516", "c"),
            ("decimals = 18", "decimals = 1.8e1", "8:12 PL0513", "c"),
            ("decimals = 18", "decimals = 0x12", "8:12 PL0513", "c"),
            ("decimals = 18", "decimals = true", "8:12 PL0511", "c"),
            ("decimals = 18", "decimals = \"18\"", "", "a b c"),
            ("ltv = 8000", "ltv = 8300", "9:7 PL0570", "c"),
            ("ltv = 8000", "ltv = 65536", "9:7 PL0515", "c"),
            ("liquidation_threshold = 8250", "liquidation_threshold = 9600", "10:25 PL0572", "c"),
            (
                "liquidation_threshold = 8250",
                "liquidation_treshold = 8250",
                "5:1 PL0510\nmarkets/pool.toml:10:1 PL0509",
                "c",
            ),
            ("liquidation_bonus = 10500", "liquidation_bonus = 500", "11:21 PL0571", "c"),
            (
                "liquidation_bonus = 10500",
                "liquidation_bonus = 10500\nreserve_factor = 10001",
                "12:18 PL0515",
                "c",
            ),
            (
                "liquidation_bonus = 10500",
                "liquidation_bonus = 10500\nvirtual_accounting = 1",
                "12:22 PL0511",
                "c",
            ),
            ("liquidation_bonus = 10500", "liquidation_bonus = 10500\nemode = 1", "12:9 PL0577", "c"),
            ("liquidation_bonus = 10500", "liquidation_bonus = 10500\nconfiguration = 5", "8:12 PL0523", "c"),
            ("liquidity_index = \"1", "liquidity_index = \"0", "14:19 PL0573", "c"),
            (
                "liquidity_rate = \"0\"",
                "liquidity_rate = \"340282366920938463463374607431768211456\"",
                "16:18 PL0515",
                "c",
            ),
            ("last_update = 1760097000", "last_update = 1760097601", "18:15 PL0576", "c"),
            ("cash = \"10", "deficit = \"-10", "21:11 PL0516", "c"),
            ("asset = \"USDC\"", "asset = \"WETH\"", "23:1 PL0575", "c"),
            ("feed = \"USDC/USD\"", "feed = \"USDC/UDS\"", "25:8 PL0541", "a b c"),
            ("feed = \"USDC/USD\"", "feed = \"one\"", "25:8 PL0545", "a b c"),
            ("feed = \"USDC/USD\"", "", "", "a b c"),
            // Both are in dollars: with the feeds exchanged every account once was judged, and wrongly.
            ("feed = \"ETH/USD\"", "feed = \"USDC/USD\"", "7:8 PL0549", "a b c"),
            ("optimal = 9000", "optimal = 10000", "30:21 PL0580", "c"),
            ("id = 1", "id = 0", "33:6 PL0515", "c"),
            ("ltv = 9000", "ltv = 9301", "35:7 PL0570", "c"),
            ("borrowable = [\"WETH\"]", "borrowable = [\"WTEH\"]", "39:15 PL0553", "c"),
            ("borrowable = [\"WETH\"]", "ltv_zero = [\"WETH\"]", "39:12 PL0577", "c"),
            ("borrowable = [\"WETH\"]", "isolated = true", "39:12 PL0577", "c"),
            ("borrowable = [\"WETH\"]", "feed = \"ETH/USD\"", "39:8 PL0577", "c"),
            (
                "[[emodes]]",
                "[[emodes]]\nid = 1\nltv = 0\nliquidation_threshold = 0\nliquidation_bonus = 0\n[[emodes]]",
                "37:1 PL0540",
                "c",
            ),
            ("[[emodes]]", "[[emodes", "32:9 PL0505", "c"),
            (
                "currency = \"USD\"",
                "currency = \"EUR\"",
                "7:8 PL0545\nmarkets/pool.toml:25:8 PL0545",
                "a b c",
            ),
        ],
    );
}

#[test]
fn a_price_may_not_be_finer_than_the_venue_reads() {
    let told = "markets/pool.toml:7:8 PL0546";
    check("feeds.csv", "2000.00", "2000.000000001", told, "a b c");
    check("feeds.csv", "2000.00", "2000.000000010", "", "a b c");
    // Derived prices are judged by what they may have, not by what they have now.
    let pool = ("markets/pool.toml", "\"ETH/USD\"", "\"stETH/USD\"");
    let nine = ("book.toml", "decimals = 8", "decimals = 9");
    let codes = |edits: &[(&str, &str, &str)]| -> Vec<&'static str> {
        edited(edits).faults.list.iter().map(|fault| fault.code.name()).collect()
    };
    assert_eq!(codes(&[pool]), [""; 0]);
    assert_eq!(codes(&[pool, nine]), ["PL0546"]);
}

#[test]
fn a_price_that_no_venue_acts_on_is_not_wired() {
    let told = "markets/pool.toml:7:8 PL0547";
    check("feeds.csv", "ETH/USD,oracle", "ETH/USD,market", told, "a b c");
    check("feeds.csv", "ETH/USD,oracle", "ETH/USD,redemption", told, "a b c");
}

/// Columns count characters, as editors do, not bytes.
#[test]
fn places_count_characters() {
    check("positions.csv", "a,pool,debt,USDC", "größé🦀,pool,debt,USDT", "3:18 PL0553", "a b c");
    check("positions.csv", "a,pool,debt,USDC", "\"a,\"\"b\"\"\",pool,debt,USDT", "3:21 PL0553", "a b c");
}

#[test]
fn morpho_markets() {
    all(
        "markets/morpho.json",
        &[
            ("\"860000000000000000\"", "\"1000000000000000000\"", "5:11 PL0515", "a b"),
            ("\"860000000000000000\"", "0.86", "5:11 PL0513", "a b"),
            ("\"irm\": \"none\"", "\"irm\": \"nine\"", "5:40 PL0520", "a b"),
            ("\"decimals\": 18", "\"decimals\": 37", "4:47 PL0574", "a b"),
            (
                "\"venue\": ",
                "\"venue\": \"x\", \"venue\": ",
                "2:12 PL0550\nmarkets/morpho.json:2:17 PL0508",
                "a b",
            ),
            ("500000\", \"total", "1000001\", \"total", "6:12 PL0578", "a b"),
            ("1760097600}", "0}", "7:100 PL0576", "a b"),
            ("1760097600}", "1760097600},", "8:1 PL0506", "a b"),
            ("\"feed\": \"WETH/USDC\"", "\"feed\": \"ETH/USD\"", "5:56 PL0545", "a b c"),
            ("\"feed\"", "\"fee_recipient\": \"c\", \"feed\"", "", "a b c"),
            ("\"feed\"", "\"fee_recipient\": \"a\", \"feed\"", "5:65 PL0560", "a b c"),
            ("\"feed\"", "\"fee\": \"250000000000000001\", \"feed\"", "5:55 PL0515", "a b"),
        ],
    );
}

#[test]
fn positions() {
    all(
        "positions.csv",
        &[
            ("a,pool,debt", "a,pol,debt", "3:3 PL0552", "b c"),
            ("a,pool,debt", "a;pool;debt", "3:1 PL0533", "b c"),
            ("15000,token", "\"15000,token", "3:18 PL0534", ""),
            ("15000,token", "15\"000,token", "3:18 PL0534", "b c"),
            ("debt,USDC,15000", "dept,USDC,15000", "3:8 PL0520", "b c"),
            ("debt,USDC,15000", "debt,USDT,15000", "3:13 PL0553", "b c"),
            ("debt,USDC,15000", "debt,USDC,", "3:1 PL0510", "b c"),
            ("debt,USDC,15000", "debt,USDC,-15000", "3:18 PL0516", "b c"),
            ("debt,USDC,15000", "debt,USDC,1.5e4", "3:18 PL0513", "b c"),
            ("debt,USDC,15000", "debt,USDC,\"15,000\"", "3:18 PL0513", "b c"),
            ("debt,USDC,15000", "debt,USDC,15000.0000001", "3:18 PL0517", "b c"),
            ("debt,USDC,15000", "debt,USDC,15000.0000000", "", "a b c"),
            ("15000,token", "15000,tokens", "3:24 PL0521", "b c"),
            ("15000,token", "15000,shares", "3:24 PL0521", "b c"),
            ("15000,token", "340282366920938463463374607431768211456,scaled", "3:18 PL0515", "b c"),
            ("15000,token", "340282366920938463463374607431768211456,raw", "3:18 PL0515", "b c"),
            ("15000,token,,,", "15000,token,,yes,", "3:31 PL0559", "b c"),
            ("10,token,,,", "10,token,,no,", "2:34 PL0559", "b c"),
            ("10,token,,,", "10,token,,maybe,", "2:34 PL0520", "b c"),
            (
                "b,pool,debt,WETH,5,scaled,Bob,,emode=1",
                "b,pool,debt,WETH,5,scaled,Rob,,emode=1",
                "5:27 PL0556",
                "a c",
            ),
            (
                "b,pool,debt,WETH,5,scaled,Bob,,emode=1",
                "b,pool,debt,WETH,5,scaled,Bob,,",
                "5:1 PL0557",
                "a c",
            ),
            ("b,pool,debt,WETH,5,scaled,Bob,,emode=1", "b,pool,debt,WETH,5,scaled,,,emode=1", "", "a b c"),
            ("raw,Bob,no,emode=1", "raw,Bob,no,emode=2", "4:51 PL0554\npositions.csv:5:32 PL0557", "a c"),
            ("b,pool,debt,WETH", "b,pool,collateral,WETH", "5:19 PL0555", "a c"),
            ("c,morpho,debt,USDC", "c,morpho,debt,WETH", "7:15 PL0558", "a b"),
            ("c,morpho,debt,USDC", "c,morpho,debt,USDT", "7:15 PL0553", "a b"),
            ("shares,,,", "shares,,,emode=1", "7:42 PL0557", "a b"),
            ("1.5,token,,,", "1.5,token,,yes,", "6:37 PL0559", "a b"),
            ("1.5,token,,,", "1.5,token,,,,", "6:1 PL0533", "a b"),
            ("a,pool,debt,USDC,15000,token,,,", "", "", "a b c"),
            // A cell with a line break keeps the places of what stands after it.
            (
                "token,,,\na,pool,debt,USDC",
                "token,\"An\nowner\",,\na,pool,debt,USDT",
                "2:33 PL0522\npositions.csv:4:13 PL0553",
                "b c",
            ),
            ("account,market", "account,markets", "1:1 PL0531\n1:9 PL0530", ""),
        ],
    );
}

/// A debt whose row had a slip in its account's name was nobody's, and the account was judged without it: safe.
#[test]
fn a_row_of_a_faulty_name_leaves_out_whoever_it_may_belong_to() {
    let row = "a,pool,debt,USDC,15000,token,,,";
    let debt = |name: &str| row.replacen('a', name, 1);
    let named: Vec<(String, &str, &str)> = [
        // The name under the slip is known.
        ("=a", "3:1 PL0522", "b c"),
        (" a", "3:1 PL0522", "b c"),
        ("a\u{a0}", "3:1 PL0522", "b c"),
        ("a\u{200b}", "3:1 PL0522", "b c"),
        ("\"a\u{0}\"", "3:1 PL0522", "b c"),
        ("\"a\n\"", "3:1 PL0522", "b c"),
        ("a\"", "3:1 PL0534", "b c"),
        ("\"a\"x", "3:1 PL0534", "c"),
        // A comma in it.
        ("\u{200b},a", "3:1 PL0533", "b c"),
        // It is not: any account of the market may be meant.
        ("", "3:1 PL0510", "c"),
        ("=", "3:1 PL0522", "c"),
        ("x,y", "3:1 PL0533", "c"),
        // It is, and it is nobody else's.
        (" x", "3:1 PL0522", "a b c"),
        ("x", "", "a x b c"),
    ]
    .map(|(name, faults, left)| (debt(name), faults, left))
    .to_vec();
    let shifted = [
        ("pool,debt,USDC,15000,token,,,", "3:1 PL0533", "c"),
        ("a,debt,USDC,15000,token,,,", "3:1 PL0533", "b c"),
        ("a pool debt USDC 15000 token", "3:1 PL0533", ""),
        ("a,pool,debt,USDC,15,000,token,,,", "3:1 PL0533", "b c"),
        ("x,pool,debt,USDC,15,000,token,,,", "3:1 PL0533", "a b c"),
        ("a,pol,debt,USDC,15000,token,,,", "3:3 PL0552", "b c"),
        (",pol,debt,USDC,15000,token,,,", "3:1 PL0510\n3:2 PL0552", ""),
    ]
    .map(|(to, faults, left)| (to.to_string(), faults, left));
    let cases: Vec<(&str, &str, &str, &str)> =
        named.iter().chain(&shifted).map(|(to, faults, left)| (row, to.as_str(), *faults, *left)).collect();
    all("positions.csv", &cases);
    // Where the column of accounts stands does not matter.
    let text: String = POSITIONS
        .lines()
        .map(|line| {
            let (name, rest) = line.split_once(',').expect("a comma");
            format!(
                "{},{name}\n",
                if name == "a" && rest.contains("debt") { "pool,debt,USDC,15000,token,,,,x" } else { rest }
            )
        })
        .collect();
    check("positions.csv", "", &text, "3:1 PL0533", "b c");
}

/// What is said twice is said not at all.
#[test]
fn nothing_is_judged_by_the_first_of_two() {
    let twice = "ltv = 8000\nltv = 7000";
    check("markets/pool.toml", "ltv = 8000", twice, "10:1 PL0508", "c");
    let opened = edited(&[("feeds.csv", "USDC/USD,oracle", "ETH/USD,oracle")]);
    let price = |name: &str| {
        let id = opened.book.graph.find(name).expect("a price");
        opened.book.graph.quotes(opened.book.at)[id.0 as usize]
    };
    assert_eq!(price("ETH/USD").value, None);
    assert_eq!(price("stETH/USD").value, None);
    assert_eq!(opened.book.accounts.len(), 3);
    // Also a derived price by the name of a feed.
    let opened = edited(&[("book.toml", "name = \"one\"", "name = \"ETH/USD\"")]);
    let id = opened.book.graph.find("ETH/USD").expect("a price");
    assert_eq!(opened.book.graph.quotes(opened.book.at)[id.0 as usize].value, None);
    // Two files for one market.
    let mut files: Vec<(&str, Vec<u8>)> =
        BASE.iter().map(|(name, text)| (*name, text.as_bytes().to_vec())).collect();
    files.push(("markets/pool.json", MORPHO.as_bytes().to_vec()));
    let left = |opened: &Opened| -> String {
        opened.book.accounts.iter().map(|account| account.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(left(&read(&files)), "c");
}

/// A market's file that cannot be read is a market all the same: its accounts are left out by name.
#[test]
fn an_unreadable_file_leaves_out_its_accounts() {
    let with = |file: &str| {
        let files = BASE.iter().map(|(name, text)| {
            let bytes = if *name == file {
                FileBytes::Failed("no permission".into())
            } else {
                FileBytes::Read(text.as_bytes().to_vec())
            };
            File { name: (*name).to_string(), bytes }
        });
        book::read(files.collect())
    };
    let opened = with("markets/pool.toml");
    assert_eq!(opened.faults.count(), 1, "{}", opened.faults.render(false));
    assert_eq!(opened.left_out.accounts, ["pool:a", "pool:b"]);
    assert_eq!(opened.book.accounts.len(), 1);
    let opened = with("positions.csv");
    assert_eq!((opened.faults.count(), opened.book.accounts.len()), (1, 0));
    assert_eq!(opened.left_out.markets, ["morpho", "pool"]);
    for file in ["book.toml", "feeds.csv"] {
        assert_eq!(with(file).faults.count(), 1);
    }
}

/// The lists of a one-file book: a field that stands twice, and one that does not stand at all.
#[test]
fn one_file_books() {
    let market = MORPHO.replacen('{', "{\"name\": \"morpho\",", 1);
    let row = r#"{"account": "c", "market": "morpho", "kind": "debt", "asset": "USDC", "quantity": "5", "unit": "raw"}"#;
    let other = row.replace("\"c\"", "\"d\"");
    let whole = |positions: &str| {
        format!(
            r#"{{"format": 1, "name": "x", "at": 1760097600, "feeds": [], "markets": [{market}], {positions}}}"#
        )
    };
    let left = |text: String| {
        let opened = read(&[("x.json", text.into_bytes())]);
        let codes: Vec<&str> = opened.faults.list.iter().map(|fault| fault.code.name()).collect();
        let left: Vec<String> = opened.book.accounts.iter().map(|account| account.name.clone()).collect();
        (codes.join(" "), left.join(" "))
    };
    let rows = format!("\"positions\": [{row}, {other}]");
    let said = |codes: &str, accounts: &str| (codes.to_string(), accounts.to_string());
    let no_feed = "PL0541";
    assert_eq!(left(whole(&rows)), said(no_feed, "c d"));
    assert_eq!(left(whole(&format!("\"positions\": [], {rows}"))), said("PL0541 PL0508", ""));
    assert_eq!(left(whole(&rows.replacen("\"raw\"", "\"raw\", \"quantity\": \"6\"", 1))).1, "d");
    assert_eq!(left(whole(&rows.replacen("\"raw\"", "\"raw\", \"account\": \"x\"", 1))).1, "");
    assert_eq!(left(whole(&rows.replacen('[', "[5, ", 1))).1, "");
    assert_eq!(left(whole(&rows.replace("\"positions\"", "\"postions\""))).0, "PL0510 PL0541 PL0509");
}

/// Behind a faulty market the faults of its positions were silent, and came up only when it was corrected.
#[test]
fn rows_of_a_faulty_market_are_judged_by_themselves() {
    let market = ("markets/pool.toml", "ltv = 8000", "ltv = 8300");
    let told = |from: &str, to: &str| -> String {
        let opened = edited(&[market, ("positions.csv", from, to)]);
        let codes: Vec<&str> = opened.faults.list.iter().map(|fault| fault.code.name()).collect();
        codes.join(" ")
    };
    for (from, to, code) in [
        ("15000,token", "15000,token", "PL0570"),
        ("15000,token", "-15000,token", "PL0570 PL0516"),
        ("15000,token", "1.5e4,token", "PL0570 PL0513"),
        ("15000,token", "15000,tokens", "PL0570 PL0521"),
        ("15000,token", "1.5,raw", "PL0570 PL0513"),
        ("debt,USDC,15000", "dept,USDC,15000", "PL0570 PL0520"),
        ("debt,USDC,15000", "debt,,15000", "PL0570 PL0510"),
    ] {
        assert_eq!(told(from, to), code, "{to}");
    }
}
