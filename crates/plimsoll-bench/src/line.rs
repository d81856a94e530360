//! What a measurement says: one JSON line, always the same keys in the same order.

use serde_json::Value;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    /// Less time, fewer mismatches.
    Lower,
    /// More done in a second; no bench says it yet.
    #[allow(dead_code)]
    Higher,
}

/// One (bench, case, baseline).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// The name that was asked for.
    pub(crate) bench: &'static str,
    /// Which data.
    pub(crate) case: String,
    /// Our figure, a median.
    pub(crate) value: f64,
    /// What it counts.
    pub(crate) unit: &'static str,
    /// Which way is better.
    pub(crate) better: Better,
    /// Whom we stand beside; `goal` and `recorded` are figures and not programs.
    pub(crate) baseline: String,
    /// Its figure, a median.
    pub(crate) baseline_value: f64,
    /// How many of the answers compared are equal.
    pub(crate) agreed: u64,
    /// How many answers were compared.
    pub(crate) checked: u64,
    /// Measured passes of each side.
    pub(crate) runs: u32,
    /// Our passes' interquartile range over their median.
    pub(crate) spread: f64,
    /// Threads of ours.
    pub(crate) threads: u32,
    /// What our code was compiled for.
    pub(crate) isa: String,
    /// Items in our pass.
    pub(crate) n: u64,
    /// Items in the baseline's pass; fewer than `n` where it is too slow for all.
    pub(crate) sample: u64,
    /// Where random data begins.
    pub(crate) seed: u64,
}

impl Line {
    /// How much better we are: above 1 is better, whichever way better goes.
    pub(crate) fn ratio(&self) -> f64 {
        let (better, worse) = match self.better {
            Better::Lower => (self.baseline_value, self.value),
            Better::Higher => (self.value, self.baseline_value),
        };
        // Two counts of nothing are equal, not undefined.
        if better.abs() < f64::EPSILON && worse.abs() < f64::EPSILON { 1.0 } else { better / worse }
    }

    /// Every answer compared is equal, and there was something to compare.
    pub(crate) fn agrees(&self) -> bool {
        self.checked > 0 && self.agreed == self.checked
    }

    /// The line.
    pub(crate) fn json(&self) -> String {
        let better = match self.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
        };
        let fields: [(&str, Value); 18] = [
            ("bench", self.bench.into()),
            ("case", self.case.as_str().into()),
            ("value", rounded(self.value)),
            ("unit", self.unit.into()),
            ("better", better.into()),
            ("baseline", self.baseline.as_str().into()),
            ("baseline_value", rounded(self.baseline_value)),
            ("ratio", rounded(self.ratio())),
            ("agrees", self.agrees().into()),
            ("agreed", self.agreed.into()),
            ("checked", self.checked.into()),
            ("runs", self.runs.into()),
            ("spread", rounded(self.spread)),
            ("threads", self.threads.into()),
            ("isa", self.isa.as_str().into()),
            ("n", self.n.into()),
            ("sample", self.sample.into()),
            ("seed", self.seed.into()),
        ];
        let fields = fields.map(|(key, value)| format!("\"{key}\":{value}"));
        format!("{{{}}}", fields.join(","))
    }
}

/// Four digits and the noise begins; a figure that is not finite is null.
fn rounded(value: f64) -> Value {
    if value.abs() >= 1000.0 { value.round().into() } else { ((value * 1000.0).round() / 1000.0).into() }
}

/// The instruction set that this program was compiled for.
pub(crate) fn isa() -> String {
    let mut isa = std::env::consts::ARCH.to_string();
    let features = [
        ("bmi2", cfg!(target_feature = "bmi2")),
        ("avx2", cfg!(target_feature = "avx2")),
        ("avx512f", cfg!(target_feature = "avx512f")),
    ];
    for (name, on) in features {
        if on {
            isa = isa + "+" + name;
        }
    }
    isa
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample() -> Line {
        Line {
            bench: "assess_aave",
            case: "four holdings 3.5".into(),
            value: 100.0,
            unit: "ns",
            better: Better::Lower,
            baseline: "plain".into(),
            baseline_value: 400.0,
            agreed: 10,
            checked: 10,
            runs: 5,
            spread: 0.0123,
            threads: 1,
            isa: "x86_64".into(),
            n: 10,
            sample: 10,
            seed: 1,
        }
    }

    #[test]
    fn a_line_is_json_with_its_keys_in_order() {
        let expected = r#"{"bench":"assess_aave","case":"four holdings 3.5","value":100.0,"unit":"ns","better":"lower","baseline":"plain","baseline_value":400.0,"ratio":4.0,"agrees":true,"agreed":10,"checked":10,"runs":5,"spread":0.012,"threads":1,"isa":"x86_64","n":10,"sample":10,"seed":1}"#;
        assert_eq!(sample().json(), expected);
        let parsed: Value = serde_json::from_str(expected).expect("JSON");
        assert_eq!(parsed["ratio"], 4.0);
    }

    #[test]
    fn a_ratio_above_one_is_better_whichever_way_better_goes() {
        let lower = sample();
        let higher = Line { better: Better::Higher, ..sample() };
        assert!(lower.ratio() > 3.9 && higher.ratio() < 0.26);
        let nothing = Line { value: 0.0, baseline_value: 0.0, ..sample() };
        assert!((nothing.ratio() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_wrong_answer_or_none_compared_is_no_agreement() {
        assert!(!Line { agreed: 9, ..sample() }.agrees());
        assert!(!Line { agreed: 0, checked: 0, ..sample() }.agrees());
    }

    #[test]
    fn what_is_not_finite_is_null() {
        let line = Line { value: f64::INFINITY, ..sample() };
        assert!(line.json().contains("\"value\":null"));
    }
}
