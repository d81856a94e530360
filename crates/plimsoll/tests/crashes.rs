//! Calibrated lines through eight crashes that they had not seen, beside SmartLTV and a constant LTV of the same mean. Needs real prices and
//! quotes, which are not part of this repository: says so where they are missing.
//!
//! `cargo test -p plimsoll --test crashes -- --nocapture` prints the tables.
//!
//! Fixed before looking: lines are set with prices from before the first hour, by the quotes of 2023-11 scaled to the same money at the
//! price of the day; debt is 3.5 times what can be sold within a bonus of 5 %, and everybody is at the limit. Prices go their way
//! by hourly lows to the lowest of the crash, everybody below his line is liquidated at once into the curve, what is sold stays sold, and what
//! is uncovered at the lowest is bad debt. With less than a year of prices an asset is not eligible, and nothing is lent.
//!
//! Added after that was seen: the same day by day, since lines are set for the loss of a day. Each is set at midnight, everybody is at the
//! limit again, the curve is whole again, and the bad debts of the days are summed.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_io::book::{File, FileBytes};
use plimsoll_io::{depth, history};
use plimsoll_risk::history::Series;
use plimsoll_risk::liquidation::{Account, Depth, Terms, play};
use plimsoll_risk::smart_ltv::SmartLtv;
use plimsoll_risk::threshold::{Appetite, Given};
use plimsoll_risk::volatility::parkinson;
use plimsoll_risk::windows::Windows;
use std::path::{Path, PathBuf};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
const TOLERATED: f64 = 400_000.0;
const TERMS: Terms = Terms { threshold: 1.0, bonus: 0.05, close: 0.5, full_below: 0.95 };
const DEBT_TO_LIQUIDITY: f64 = 3.5;

/// When each crash begins, and how many days it takes.
const CRASHES: [(&str, i64, i64); 8] = [
    ("2020-03", 1_583_884_800, 4),
    ("2021-05", 1_621_209_600, 7),
    ("LUNA 2022-05", 1_651_881_600, 7),
    ("3AC 2022-06", 1_654_819_200, 10),
    ("FTX 2022-11", 1_667_606_400, 7),
    ("USDC 2023-03", 1_678_320_000, 6),
    ("2024-08", 1_722_556_800, 5),
    ("2025-10", 1_759_968_000, 5),
];

fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    folder.is_dir().then_some(folder)
}

fn file(path: &Path, name: &str) -> File {
    File { name: name.into(), bytes: FileBytes::Read(std::fs::read(path).expect("a file")) }
}

/// What an asset's quotes for USDC say, and the price on that day.
fn quotes(data: &Path, address: &str, decimals: u8) -> Vec<[f64; 2]> {
    let offers = format!(
        "format = 1\nname = \"q\"\nsources = [\"quotes\"]\n\
         [[asset]]\nnames = [\"A\"]\nid = \"{address}\"\ndecimals = {decimals}\n\
         [[asset]]\nnames = [\"USDC\"]\nid = \"0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48\"\ndecimals = 6\n\
         [[quotes]]\nfile = \"quotes.csv.gz\"\ncolumns = [\"src\", \"dst\", \"in_amount\", \"out_amount\", \"price_impact\"]\n"
    );
    let offers = File { name: "offers.toml".into(), bytes: FileBytes::Read(offers.into_bytes()) };
    let table = |name: &str| file(&data.join("oneinch_quotes_crvusdrisk_2023-11.csv.gz"), name);
    let made = depth::make_of(offers, &table);
    assert!(made.faults.is_empty(), "{}", made.faults.render(false));
    let depth = made.depth.expect("curves");
    let curve = &depth.curves[depth.curve("A", "USDC").expect("a curve")];
    let real = |number: &plimsoll_core::Decimal| number.to_string().parse::<f64>().expect("a number");
    curve.points.iter().map(|[sold, brings]| [real(sold), real(brings) / real(&curve.price)]).collect()
}

/// One crash of one asset, as the policies find it.
struct Crash {
    name: &'static str,
    asset: &'static str,
    /// Of each appetite: threshold, LTV, gap.
    ours: [[f64; 3]; 3],
    /// What SmartLTV reads.
    volatility: f64,
    start: f64,
    path: Vec<f64>,
    depth: Depth,
    liquidity: f64,
}

impl Crash {
    fn bad_debt(&self, threshold: f64, ltv: f64) -> f64 {
        if ltv <= 0.0 {
            return 0.0;
        }
        let owed = DEBT_TO_LIQUIDITY * self.liquidity;
        let mut accounts = [Account { held: owed / (ltv * self.start), owed }];
        let terms = Terms { threshold: threshold.min(1.0 / (1.0 + TERMS.bonus)), ..TERMS };
        play(&self.path, &mut accounts, &terms, &self.depth).bad_debt
    }

    /// Of an LTV with the gap that an appetite keeps.
    fn with_gap(&self, ltv: f64, appetite: usize) -> f64 {
        self.bad_debt(ltv / (1.0 - self.ours[appetite][2]), ltv)
    }
}

fn crash(
    series: &Series,
    asset: &'static str,
    points: &[[f64; 2]],
    (name, from, days): (&'static str, i64, i64),
) -> Crash {
    let windows = Windows::new(series, from).expect("windows");
    let start = windows.price;
    // The same money at any price.
    let price = if asset == "ETH" { 2_000.0 } else { 37_000.0 };
    let depth = Depth::new(points.iter().map(|[x, y]| [x * price / start, y * price / start]).collect())
        .expect("a curve");
    let mut given = Given {
        windows: &windows,
        depth: &depth,
        tolerated: TOLERATED,
        debt: 1.0,
        usage: vec![(1.0, 1.0)],
        lot: 0.0,
        terms: TERMS,
    };
    let liquidity = given.liquidity();
    given.debt = DEBT_TO_LIQUIDITY * liquidity;
    let eligible = windows.returns.len() >= 365;
    let ours = Appetite::ALL.map(|appetite| {
        let line = given.line(appetite).expect("a line");
        if eligible { [line.threshold, line.ltv, line.gap.0] } else { [0.0, 0.0, line.gap.0] }
    });
    let known = series.until(from).days();
    let last = &known[known.len() - 30..];
    let (highs, lows): (Vec<f64>, Vec<f64>) = last.iter().map(|day| (day.high, day.low)).unzip();
    let bars = series.bars.bars().iter().filter(|bar| bar.time >= from && bar.time < from + days * DAY);
    let mut path: Vec<f64> = bars.map(|bar| bar.low).collect();
    assert!(path.len() as i64 >= (days * DAY / HOUR) - 6, "{name}: {} hours", path.len());
    let lowest = path.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).expect("a low").0;
    path.truncate(lowest + 1);
    let volatility = parkinson(&highs, &lows).expect("a range");
    Crash { name, asset, ours, volatility, start, path, depth, liquidity }
}

/// SmartLTV's answers with the confidence at which their mean is this; the others' LTV is 0 only where its own formula says so.
fn smart(crashes: &[&Crash], mean: f64) -> Vec<f64> {
    let at = |confidence: f64| -> Vec<f64> {
        let ratio = |crash: &&Crash| {
            let (liquidity, cap) = (crash.liquidity, DEBT_TO_LIQUIDITY * crash.liquidity);
            let rule =
                SmartLtv { liquidity, volatility: crash.volatility, cap, bonus: TERMS.bonus, confidence };
            rule.ratio().expect("a ratio")
        };
        crashes.iter().map(ratio).collect()
    };
    let (mut low, mut high) = (0.0, 1e4);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        let all = at(middle);
        if all.iter().sum::<f64>() / all.len() as f64 > mean { low = middle } else { high = middle }
    }
    at(low)
}

/// Bad debts of ours, SmartLTV's and a constant LTV's, each crash.
fn compared(crashes: &[&Crash], appetite: usize) -> (f64, Vec<[f64; 6]>) {
    let mean = crashes.iter().map(|crash| crash.ours[appetite][1]).sum::<f64>() / crashes.len() as f64;
    let smart = smart(crashes, mean);
    let row = |(crash, smart): (&&Crash, &f64)| {
        let [threshold, ltv, _] = crash.ours[appetite];
        [
            ltv,
            *smart,
            mean,
            crash.bad_debt(threshold, ltv),
            crash.with_gap(*smart, appetite),
            crash.with_gap(mean, appetite),
        ]
    };
    (mean, crashes.iter().zip(&smart).map(row).collect())
}

#[test]
fn lines_hold_in_crashes_that_they_had_not_seen() {
    let Some(data) = data() else {
        println!("skipped: ../shared/data with prices and quotes is not beside the repository");
        return;
    };
    let names =
        [("ETH", "eth_usdt_1h_2019-12_2025-11.csv.gz"), ("BTC", "btc_usdt_1h_2019-12_2025-12.csv.gz")];
    let files = names.map(|(asset, name)| file(&data.join(name), &format!("{asset}.csv.gz")));
    let opened = history::read(files.into());
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    let tokens = [
        ("ETH", quotes(&data, "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 18)),
        ("BTC", quotes(&data, "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", 8)),
    ];
    let (mut whole, mut daily) = (Vec::new(), Vec::new());
    for (asset, points) in &tokens {
        let series = opened.history.series(asset).expect("a series");
        whole.extend(CRASHES.map(|found| crash(series, asset, points, found)));
        for (name, from, days) in CRASHES {
            daily.extend((0..days).map(|day| crash(series, asset, points, (name, from + day * DAY, 1))));
        }
    }
    for (at, appetite) in Appetite::ALL.into_iter().enumerate() {
        for (how, crashes) in [("as one path", &whole), ("day by day", &daily)] {
            for (what, skip) in [("all eight", ""), ("the seven after a year of prices", "2020-03")] {
                let some: Vec<&Crash> = crashes.iter().filter(|crash| crash.name != skip).collect();
                let [ours, _, constant] = tell(&format!("{appetite:?}, {how}, {what}"), &some, at);
                if !skip.is_empty() {
                    // Where there was history to learn from, no worse than a line that never moves.
                    assert!(ours <= constant, "{appetite:?} {how}: {ours} above {constant}");
                }
            }
        }
    }
}

/// Prints what each crash did, and the sums of ours, SmartLTV's and a constant LTV's.
fn tell(title: &str, crashes: &[&Crash], appetite: usize) -> [f64; 3] {
    let (mean, rows) = compared(crashes, appetite);
    println!("\n{title}: mean LTV {mean:.4}; mean LTV and bad debt (USD): ours, SmartLTV, constant");
    let mut sums = [0.0; 3];
    let paired: Vec<(&Crash, [f64; 6])> = crashes.iter().copied().zip(rows).collect();
    for part in paired.chunk_by(|a, b| (a.0.asset, a.0.name) == (b.0.asset, b.0.name)) {
        let of = |column: usize| part.iter().map(|(_, row)| row[column]).sum::<f64>();
        let count = part.len() as f64;
        let (ltvs, losses) = ([0, 1, 2].map(|column| of(column) / count), [3, 4, 5].map(of));
        let worst = part.iter().map(|(_, row)| row[3]).fold(0.0, f64::max);
        println!(
            "{:4} {:13} {:.4} {:.4} {:.4} {:14.0} {:14.0} {:14.0}{}",
            part[0].0.asset,
            part[0].0.name,
            ltvs[0],
            ltvs[1],
            ltvs[2],
            losses[0],
            losses[1],
            losses[2],
            if worst > TOLERATED { "  K is exceeded" } else { "" }
        );
        for (sum, loss) in sums.iter_mut().zip(losses) {
            *sum += loss;
        }
    }
    println!("sum {:>54.0} {:14.0} {:14.0}", sums[0], sums[1], sums[2]);
    sums
}
