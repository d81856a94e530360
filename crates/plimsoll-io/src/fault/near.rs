/// The word of a list that a mistyped word was most likely meant to be; `None` where none is near.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    // A word of a file may be long; nobody mistypes a field by hundreds of characters.
    if word.len() > 64 {
        return None;
    }
    let near = |candidate: &&str| distance(&word.to_lowercase(), &candidate.to_lowercase());
    let best = known.into_iter().min_by_key(near)?;
    (near(&best) * 3 <= best.chars().count().max(3)).then_some(best)
}

/// The known price that was most likely meant: near in letters, and a price of the same asset. `BTC/USD` is two letters away
/// from `ETH/USD` and is never meant by it.
pub fn nearest_price<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let asset = |name: &str| -> Vec<char> {
        let first = name.split('/').next().unwrap_or(name);
        let mut letters: Vec<char> = first.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        // Letters in another order, or typed twice, are the same asset; one more or one less is another (stETH, wstETH).
        letters.sort_unstable();
        letters.dedup();
        letters
    };
    let own = asset(word);
    nearest(word, known.into_iter().filter(|candidate| asset(candidate) == own))
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour.
fn distance(x: &str, y: &str) -> usize {
    let y: Vec<char> = y.chars().collect();
    let mut two_up: Vec<usize> = Vec::new();
    let mut up: Vec<usize> = (0..=y.len()).collect();
    let mut last = None;
    for (i, a) in x.chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, &b) in y.iter().enumerate() {
            let mut cost = (up[j] + usize::from(a != b)).min(up[j + 1] + 1).min(row[j] + 1);
            if j > 0 && last == Some(b) && y[j - 1] == a {
                cost = cost.min(two_up[j - 1] + 1);
            }
            row.push(cost);
        }
        two_up = std::mem::replace(&mut up, row);
        last = Some(a);
    }
    up[y.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_never_mistaken_for_that_of_another_asset() {
        let known = ["ETH/USD", "wstETH/USD", "USDC/USD", "wstETH/stETH rate"];
        let cases = [
            ("ETH/USDT", Some("ETH/USD")),
            ("EHT/USD", Some("ETH/USD")),
            ("eth/usd", Some("ETH/USD")),
            ("ETHH/USD", Some("ETH/USD")),
            ("BTC/USD", None),
            ("WETH/USD", None),
            ("stETH/USD", None),
            ("USDT/USD", None),
            ("wstETH/stETH rat", Some("wstETH/stETH rate")),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest_price(word, known), expected, "{word}");
        }
    }

    #[test]
    fn a_mistyped_word_is_recognised_and_another_word_is_not() {
        let known = ["observed_at", "max_age", "confidence", "price", "unit"];
        let cases = [
            ("max_aeg", Some("max_age")),
            ("maxage", Some("max_age")),
            ("Price", Some("price")),
            ("prize", Some("price")),
            ("unti", Some("unit")),
            ("observed", Some("observed_at")),
            ("colour", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
