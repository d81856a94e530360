//! Price history by asset: what the files of a folder say, once they are read. The reader is `plimsoll_io::history`.

use crate::bars::{Bars, log_return};

/// A day \[s\].
pub const DAY: i64 = 86_400;

/// Prices of many assets.
#[derive(Clone, Debug)]
pub struct History {
    quote: String,
    series: Vec<Series>,
    files: Vec<Digest>,
    digest: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Its name in the folder.
    pub file: String,
    /// SHA-256 of its bytes as they lie there, in hex.
    pub sha256: String,
}

/// The price of one asset in another.
#[derive(Clone, Debug)]
pub struct Series {
    /// The asset, in capitals.
    pub base: String,
    /// What its price is counted in, in capitals: the history's own quote, or an asset (then the series is a basis).
    pub quote: String,
    /// The bars; where only closes are known, each is its close alone.
    pub bars: Bars,
    /// Highs and lows are known.
    pub ranged: bool,
}

/// One UTC day of a series, from the bars that there are of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    /// When it begins \[s\].
    pub time: i64,
    /// The close of its last bar.
    pub close: f64,
    /// Its lowest price.
    pub low: f64,
    /// Its highest price.
    pub high: f64,
}

/// Returns of several series at the times that all of them have.
#[derive(Clone, Debug, PartialEq)]
pub struct Aligned {
    /// When each return's bar or day begins \[s\].
    pub times: Vec<i64>,
    /// For each series, its logarithmic returns, one for each time.
    pub returns: Vec<Vec<f64>>,
}

impl History {
    /// Puts series together. They are kept in the order of their names; `digest` names all files at once.
    #[must_use]
    pub fn new(quote: String, mut series: Vec<Series>, files: Vec<Digest>, digest: String) -> History {
        series.sort_by_key(Series::name);
        History { quote, series, files, digest }
    }

    /// What prices are counted in unless a series says otherwise, in capitals, such as USD.
    #[must_use]
    pub fn quote(&self) -> &str {
        &self.quote
    }

    /// All series, in the order of their names.
    #[must_use]
    pub fn all(&self) -> &[Series] {
        &self.series
    }

    /// The series of a name, in whatever case: `ETH`, or `STETH-ETH` for a price in another asset.
    #[must_use]
    pub fn series(&self, name: &str) -> Option<&Series> {
        let named = |series: &&Series| {
            let rest = name.get(..series.base.len()).zip(name.get(series.base.len()..));
            rest.is_some_and(|(base, rest)| {
                base.eq_ignore_ascii_case(&series.base)
                    && match rest.strip_prefix('-') {
                        Some(quote) => quote.eq_ignore_ascii_case(&series.quote),
                        None => rest.is_empty() && series.quote == self.quote,
                    }
            })
        };
        self.series.iter().find(named)
    }

    /// The files that were read.
    #[must_use]
    pub fn files(&self) -> &[Digest] {
        &self.files
    }

    /// SHA-256 over the names and digests of all files, in hex: results name their data by it.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl Series {
    /// `BASE-QUOTE`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.base, self.quote)
    }

    /// When the first and the last bar open \[s\].
    #[must_use]
    pub fn span(&self) -> Option<(i64, i64)> {
        let bars = self.bars.bars();
        Some((bars.first()?.time, bars.last()?.time))
    }

    /// The bars before a time \[s\]: those whose close was known by then.
    #[must_use]
    pub fn until(&self, time: i64) -> Series {
        Series { bars: self.bars.until(time), ..self.clone() }
    }

    /// Days in UTC, each with the last close that there is of it. A day without a bar is a gap.
    #[must_use]
    pub fn days(&self) -> Vec<Day> {
        let of = |bar: i64| bar.div_euclid(DAY);
        let parts = self.bars.bars().chunk_by(|a, b| of(a.time) == of(b.time));
        parts
            .map(|part| Day {
                time: of(part[0].time) * DAY,
                close: part[part.len() - 1].close,
                low: part.iter().map(|bar| bar.low).fold(f64::INFINITY, f64::min),
                high: part.iter().map(|bar| bar.high).fold(f64::NEG_INFINITY, f64::max),
            })
            .collect()
    }

    /// Logarithmic returns from one day's close to the next day's, with the day they end in; none over a gap.
    #[must_use]
    pub fn daily_returns(&self) -> Vec<(i64, f64)> {
        let days = self.days();
        let neighbours = days.windows(2).filter(|pair| pair[1].time - pair[0].time == DAY);
        neighbours.map(|pair| (pair[1].time, log_return(pair[0].close, pair[1].close))).collect()
    }

    /// Logarithmic returns from one bar's close to the next one's, with the time at which the second opens; none over a gap.
    #[must_use]
    pub fn bar_returns(&self) -> Vec<(i64, f64)> {
        self.bars.returns().iter().map(|one| (one.time, one.close)).collect()
    }
}

/// The returns that all series have, at the times that all of them have.
#[must_use]
pub fn aligned(returns: &[Vec<(i64, f64)>]) -> Aligned {
    let mut places = vec![0; returns.len()];
    let mut all = Aligned { times: Vec::new(), returns: vec![Vec::new(); returns.len()] };
    'times: for &(time, _) in returns.first().map_or(&[][..], Vec::as_slice) {
        for (series, place) in returns.iter().zip(&mut places) {
            while series.get(*place).is_some_and(|(other, _)| *other < time) {
                *place += 1;
            }
            match series.get(*place) {
                Some((other, _)) if *other == time => {}
                Some(_) => continue 'times,
                None => break 'times,
            }
        }
        all.times.push(time);
        for ((series, place), kept) in returns.iter().zip(&places).zip(&mut all.returns) {
            kept.push(series[*place].1);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bars::Bar;

    fn series(base: &str, quote: &str, closes: &[(i64, f64)]) -> Series {
        let bar = |&(time, close): &(i64, f64)| Bar { time, open: close, high: close, low: close, close };
        let bars = Bars::new(3600, closes.iter().map(bar).collect()).expect("bars");
        Series { base: base.into(), quote: quote.into(), bars, ranged: false }
    }

    #[test]
    fn a_series_is_found_by_its_name_in_any_case() {
        let all = vec![series("STETH", "ETH", &[]), series("ETH", "USD", &[]), series("PT-A", "USD", &[])];
        let history = History::new("USD".into(), all, Vec::new(), String::new());
        let found = |name| history.series(name).map(Series::name);
        assert_eq!(found("eth").as_deref(), Some("ETH-USD"));
        assert_eq!(found("Eth-usd").as_deref(), Some("ETH-USD"));
        assert_eq!(found("stETH-ETH").as_deref(), Some("STETH-ETH"));
        assert_eq!(found("pt-a").as_deref(), Some("PT-A-USD"));
        assert_eq!(["STETH", "ETH-EUR", "E", "ETHX", "PT", ""].map(found), [const { None }; 6]);
    }

    #[test]
    fn a_day_ends_with_its_last_bar_and_gaps_have_no_return() {
        let hours = [(0, 1.0), (82_800, 2.0), (86_400, 8.0), (90_000, 4.0), (4 * 86_400, 3.0)];
        let days = series("A", "USD", &hours).days();
        let closes: Vec<(i64, f64)> = days.iter().map(|day| (day.time, day.close)).collect();
        assert_eq!(closes, [(0, 2.0), (86_400, 4.0), (345_600, 3.0)]);
        assert_eq!([days[1].low.to_bits(), days[1].high.to_bits()], [4_f64.to_bits(), 8_f64.to_bits()]);
        let returns = series("A", "USD", &hours).daily_returns();
        assert_eq!(returns.len(), 1);
        assert!(returns[0].0 == 86_400 && (returns[0].1 - std::f64::consts::LN_2).abs() < 1e-15);
    }

    #[test]
    fn returns_are_aligned_where_all_have_one() {
        let first = vec![(1, 0.1), (2, 0.2), (4, 0.4), (9, 0.9)];
        let second = vec![(0, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)];
        let both = aligned(&[first, second]);
        assert_eq!(both.times, [2, 4]);
        assert_eq!(both.returns, [vec![0.2, 0.4], vec![2.0, 4.0]]);
        assert_eq!(aligned(&[]).times, [0_i64; 0]);
    }
}
