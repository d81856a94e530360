//! What is held, what is stressed, and what nobody can tell.

use super::*;

/// The treasury's book with USDC fed in ether, times the price of ether, instead of in dollars. Its price is the same.
fn fed_in_ether() -> Book {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/treasury");
    let mut files = Vec::new();
    let markets = std::fs::read_dir(folder.join("markets")).expect("markets");
    let markets =
        markets.map(|entry| format!("markets/{}", entry.expect("a file").file_name().to_string_lossy()));
    let names = ["book.toml", "feeds.csv", "positions.csv"].map(String::from);
    for name in names.into_iter().chain(markets) {
        let mut text = std::fs::read_to_string(folder.join(&name)).expect("a file");
        if name == "book.toml" {
            text += "\n[[price]]\nname = \"USDC/USD\"\nunit = \"USD/USDC\"\nproduct = [\"USDC/ETH\", \"ETH/USD\"]\n\
                     decimals = 8\nrounding = \"down\"\n";
        }
        if name == "feeds.csv" {
            // 0.99981512 / 4312.57, raised in the last digit so that the product is cut to what it was.
            let of = |line: &str| {
                line.replace(
                    "USDC/USD,oracle,0.99981512,USD/USDC",
                    "USDC/ETH,oracle,0.000231837424088189,ETH/USDC",
                )
            };
            let lines = text.lines().map(|line| match line.starts_with("USDC/USD,") {
                true => of(line).replace("0.01,1000", ","),
                false => line.to_string(),
            });
            text = lines.collect::<Vec<_>>().join("\n") + "\n";
        }
        files.push(plimsoll_io::book::File {
            name,
            bytes: plimsoll_io::book::FileBytes::Read(text.into_bytes()),
        });
    }
    let opened = plimsoll_io::book::read(files);
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    opened.book
}

/// What is held stands still in dollars. A feed that counts it in ether then moves against ether, and chances are those of a feed in dollars.
#[test]
fn what_is_held_stands_still_in_dollars_whatever_it_is_counted_in() {
    let (plain, other) = (example("treasury"), fed_in_ether());
    let price = |book: &Book| {
        let at = book.graph.prices().iter().position(|price| price.name == "USDC/USD").expect("a price");
        book.graph.quotes(book.at)[at].value
    };
    assert_eq!(price(&other), price(&plain));
    let said = Said { hold: vec!["USDC".into()], map: Vec::new() };
    let setting = Setting { said, ..setting() };
    let chances = |book: &Book| {
        let one = asked(book, &history(&plain, 0.05, &["USDC"]), &setting, "alice");
        assert_eq!((&one.stands, &one.drivers), (&Stands::Estimated, &vec!["ETH-USD".to_string()]));
        let of = |model: &ModelChance| {
            let chances = model.chances.as_ref().expect("chances");
            chances.iter().map(|chance| chance.estimate.chance).collect::<Vec<_>>()
        };
        one.models.iter().flat_map(of).collect::<Vec<f64>>()
    };
    let (expected, found) = (chances(&plain), chances(&other));
    assert!(expected.iter().any(|chance| *chance > 0.3), "{expected:?}");
    for (expected, found) in expected.iter().zip(&found) {
        assert!((expected - found).abs() < 1e-6, "{expected} {found}");
    }
}

/// An asset that moves wildly and not with bitcoin has a beta of about nothing: stressed, it still is what it has been by itself.
#[test]
fn a_stressed_model_is_never_milder_than_the_normal_one() {
    let book = example("treasury");
    let mut stream = Stream::new(SEED, 77);
    let until = book.at.0 as i64;
    for volatility in [0.02, 0.08, 0.2] {
        let series = vec![
            made_up("LINK", "USD", until, 6, volatility, &mut stream),
            made_up("BTC", "USD", until, 6, 0.02, &mut stream),
        ];
        let history = History::new("USD".into(), series, Vec::new(), "0".repeat(64));
        let like =
            crate::Mapping { asset: "ETH".into(), like: "LINK".into(), times: Decimal::whole(Int::ONE) };
        let said = Said { hold: vec!["USDC".into()], map: vec![like] };
        let one = asked(&book, &history, &Setting { said, ..setting() }, "alice");
        assert_eq!(one.drivers, ["LINK-USD"]);
        let of = |kind| {
            let model = one.models.iter().find(|model| model.kind == kind).expect("the model");
            let chances = model.chances.as_ref().expect("chances");
            chances.iter().map(|chance| chance.estimate.chance).collect::<Vec<_>>()
        };
        let [normal, stressed, severe] = [Kind::Normal, Kind::Stressed, Kind::Severe].map(of);
        for at in 0..normal.len() {
            assert!(
                normal[at] <= stressed[at] && stressed[at] <= severe[at],
                "{normal:?} {stressed:?} {severe:?}"
            );
        }
    }
}

/// A beta of few days is none.
#[test]
fn a_beta_of_few_days_counts_for_nothing() {
    let book = example("treasury");
    let mut stream = Stream::new(SEED, 78);
    let until = book.at.0 as i64;
    let link = made_up("LINK", "USD", until, 6, 0.02, &mut stream);
    let mut ether = link.clone();
    ether.base = "ETH".into();
    // Ten days of an ether that moves as it does, and all days of a bitcoin that does not.
    ether.bars = Bars::new(6 * 3600, link.bars.bars()[link.bars.bars().len() - 40..].to_vec()).expect("bars");
    let bitcoin = made_up("BTC", "USD", until, 6, 0.02, &mut stream);
    let stressed = |series: Vec<Series>| {
        let history = History::new("USD".into(), series, Vec::new(), "0".repeat(64));
        let models = models::Models::new(&[&link], &history, until, &setting()).expect("models");
        models.stressed[0].clone().map(|covariance| covariance.at(0, 0))
    };
    assert_eq!(stressed(vec![bitcoin.clone(), ether.clone()]), stressed(vec![bitcoin]));
    assert!(stressed(vec![ether]).is_err_and(|why| why.contains("30 days")));
}

/// A history that ended more than seven days before the book says nothing of now.
#[test]
fn a_history_that_ended_long_ago_is_not_taken_for_now() {
    const DAY: i64 = 86_400;
    let book = example("treasury");
    let at = book.at.0 as i64;
    // Bars of six hours that end so many seconds before the book, at noon, or at the last bar's end before that.
    let stands = |age: i64| {
        let mut stream = Stream::new(SEED, 79);
        let late = at - age.div_euclid(DAY) * DAY + DAY;
        let mut one = |name| made_up(name, "USD", late, 6, 0.03, &mut stream).until(at - age);
        let series = vec![one("ETH"), one("USDC")];
        let history = History::new("USD".into(), series, Vec::new(), "0".repeat(64));
        asked(&book, &history, &setting(), "alice").stands
    };
    let why = |age| match stands(age) {
        Stands::Unknown(why) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(stands(0), Stands::Estimated);
    assert_eq!(stands(7 * DAY), Stands::Estimated);
    assert!(why(7 * DAY + 1).contains("ends 7 days before the book"), "{}", why(7 * DAY + 1));
    assert!(why(708 * DAY).contains("ends 708 days before the book"), "{}", why(708 * DAY));
}

/// Where no model has an answer an account is not estimable, and counted as such: here all is held that could move it.
#[test]
fn an_account_without_an_answer_is_not_estimated() {
    let book = example("treasury");
    let history = history(&book, 0.03, &[]);
    let said =
        Said { hold: vec!["ETH".into(), "USDC".into(), "stETH".into(), "wstETH".into()], map: Vec::new() };
    let place = crate::account(&book, "alice").expect("an account");
    let setting = Setting { said, ..setting() };
    let answer = chances(&book, &history, &setting, &Whom::Accounts(vec![place])).expect("chances");
    let Stands::Unknown(why) = &answer.accounts[0].stands else { panic!("{:?}", answer.accounts[0]) };
    assert_eq!(why, "no series moves what is asked about");
    assert_eq!(answer.counts.estimated, 0);
    assert!(answer.counts.unknown > 0);
}
