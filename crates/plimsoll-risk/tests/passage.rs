//! First passage: published figures, brute force, and what must hold whatever the numbers.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_kernel::{Across, Drawn, Lanes};
use plimsoll_risk::normal;
use plimsoll_risk::passage::barrier::{Knock, Right, Setting, Side};
use plimsoll_risk::passage::diffusion::Diffusion;
use plimsoll_risk::passage::kou::{Kou, of_rates};
use plimsoll_risk::passage::lattice::american;
use plimsoll_risk::passage::looks;
use plimsoll_risk::stream::Stream;
use proptest::prelude::*;

const DAY: f64 = 1.0 / 365.0;

fn near(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "found {found}, expected {expected}");
}

/// Twenty digits by another program in high precision.
#[test]
fn one_asset_to_all_digits() {
    let chance = |mu: f64, sigma: f64, line: f64, years: f64| {
        Diffusion::of_price(sigma, mu).falls_to(line, years).expect("a chance")
    };
    near(chance(0.0, 0.9, 0.7, 30.0 * DAY), 0.198_398_277_840_536, 1e-15);
    near(chance(0.0, 0.3, 0.5, 1.0), 0.029_242_075_770_156_51, 1e-16);
    let far = chance(0.0, 0.6, 0.5, DAY);
    near(far / 8.504_199_409_798_394e-108, 1.0, 3e-7 + 1e-6);
    assert!(chance(0.0, 0.6, 1.0, DAY) >= 1.0);
    // Without volatility a price goes where its drift takes it.
    near(chance(-1.0, 0.0, 0.5, 0.5), 0.0, 0.0);
    near(chance(-1.0, 0.0, 0.5, 0.7), 1.0, 0.0);
    near(chance(-1.0, 1e-200, 0.5, 0.5), 0.0, 0.0);
    assert!(Diffusion { volatility: 0.5, log_drift: f64::NAN }.falls_to(0.5, 1.0).is_err());
}

/// Kou and Wang 2003, table 1: sigma 0.2, p 1/2, rates 50 and 100/3, a rise by 0.3 in one year.
#[test]
fn kou_and_wangs_table() {
    for (drift, jumps, expected) in
        [(0.1, 3.0, 0.255_84), (0.1, 0.01, 0.260_60), (-0.1, 3.0, 0.061_22), (-0.1, 0.01, 0.058_16)]
    {
        let process = of_rates(drift, 0.2, jumps, 0.5, [50.0, 100.0 / 3.0]).expect("a process");
        near(process.rises_by(0.3, 1.0, 20).expect("a chance"), expected, 1e-5);
    }
}

/// Without jumps, or with jumps of no size, it is the diffusion.
#[test]
fn kou_without_jumps_is_the_diffusion() {
    for (jumps, mean) in [(0.0, 0.05), (20.0, 1e-9)] {
        let process =
            Kou { volatility: 0.8, log_drift: 0.1, jumps, upward: 0.4, mean_up: mean, mean_down: mean };
        for (line, years) in [(0.9, 0.02), (0.7, 0.1), (0.5, 1.0)] {
            let expected =
                Diffusion { volatility: 0.8, log_drift: 0.1 }.falls_to(line, years).expect("a chance");
            near(process.falls_to(line, years).expect("a chance"), expected, 3e-6);
        }
    }
    // With downward jumps alone a rise is met and never jumped over; with upward alone likewise a fall.
    let process =
        Kou { volatility: 0.5, log_drift: 0.0, jumps: 10.0, upward: 1.0, mean_up: 0.05, mean_down: 0.05 };
    let chance = process.falls_to(0.8, 0.25).expect("a chance");
    let still = Diffusion { volatility: 0.5, log_drift: 0.0 }.falls_to(0.8, 0.25).expect("a chance");
    assert!(chance < still && chance > 0.0);
    assert!(
        Kou { mean_up: 1.5, ..process }.without_drift().is_err()
            && Kou { volatility: 0.0, ..process }.falls_to(0.8, 1.0).is_err()
    );
}

/// One look is a normal; two are a double integral, here by brute force.
#[test]
fn looks_by_brute_force() {
    let process = Diffusion { volatility: 0.9, log_drift: -0.4 };
    let (line, years) = (0.85_f64, 0.1_f64);
    let (k, drift, deviation) = (line.ln(), process.log_drift * years, process.volatility * years.sqrt());
    let one = looks::falls_to(&process, line, years, 1).expect("a chance");
    near(one, normal((k - drift) / deviation), 1e-15);
    let (half_drift, half) = (0.5 * drift, process.volatility * (0.5 * years).sqrt());
    let n = 400_000;
    let width = 12.0 * half / f64::from(n);
    let survived: f64 = (0..n)
        .map(|i| {
            let x = k + (f64::from(i) + 0.5) * width;
            let density = (-0.5 * ((x - half_drift) / half).powi(2)).exp()
                / (half * (2.0 * std::f64::consts::PI).sqrt());
            density * normal((x + half_drift - k) / half) * width
        })
        .sum();
    near(looks::falls_to(&process, line, years, 2).expect("a chance"), 1.0 - survived, 1e-9);
}

/// The figures that show why the shifted line is called approximate: exact, shifted, and watched all the time.
#[test]
fn looks_between_none_and_always() {
    let process = Diffusion::of_price(0.6, 0.0);
    let exact = looks::falls_to(&process, 0.8, 7.0 * DAY, 7).expect("a chance");
    near(exact, 0.004_900_026_121_202_217, 1e-12);
    near(process.falls_to_shifted(0.8, 7.0 * DAY, 7).expect("a chance"), 0.004_131_037_736_489_98, 1e-15);
    let always = process.falls_to(0.8, 7.0 * DAY).expect("a chance");
    let mut before = 0.0;
    for count in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
        let found = looks::falls_to(&process, 0.8, 7.0 * DAY, count).expect("a chance");
        assert!(found > before && found < always, "{count}");
        before = found;
    }
    // The error falls as the root of the looks does: Broadie, Glasserman and Kou.
    let shifted = process.falls_to_shifted(0.8, 7.0 * DAY, 256).expect("a chance");
    near(before / shifted, 1.0, 0.005);
    assert!(looks::falls_to(&process, 0.8, 1.0, 0).is_err());
}

/// In and out together are the right alone, and one who touches or not has his cash.
#[test]
fn options_add_up() {
    let setting = Setting { spot: 100.0, dividend: 0.04, rate: 0.08, years: 0.5, volatility: 0.25 };
    for (barrier, side) in [(95.0, Side::Down), (105.0, Side::Up)] {
        for right in [Right::Call, Right::Put] {
            for strike in [90.0, 100.0, 110.0] {
                let value = |knock| {
                    setting.barrier_option(strike, right, (barrier, side, knock), 0.0).expect("a value")
                };
                // The right alone: one whose barrier is met already.
                let met =
                    setting.barrier_option(strike, right, (100.0, side, Knock::In), 0.0).expect("a value");
                near(value(Knock::In) + value(Knock::Out), met, 1e-12);
            }
        }
        let touch = |knock| setting.touch_at_expiry(barrier, side, knock).expect("a value");
        near(touch(Knock::In) + touch(Knock::Out), (-0.04_f64).exp(), 1e-15);
        let at_hit = setting.touch_at_hit(barrier, side).expect("a value");
        assert!(at_hit > touch(Knock::In) && at_hit < touch(Knock::In) / (-0.04_f64).exp());
    }
    // Haug 2007, table 4-13; and of the tables of an American tree.
    let found =
        setting.barrier_option(90.0, Right::Call, (95.0, Side::Down, Knock::Out), 3.0).expect("a value");
    near(found, 9.0246, 1e-4);
    let tree =
        american(&setting, 100.0, Right::Call, (95.0, Side::Down, Knock::Out), 0.0, 400).expect("a value");
    near(tree, 4.5159, 1e-4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A chance never falls when the line is nearer, the time longer; nor, without drift of the logarithm, when prices move more.
    #[test]
    fn chances_rise_with_line_time_and_volatility(
        volatility in 0.05..2.0_f64, drift in -1.0..1.0_f64, line in 0.3..0.99_f64, years in 0.001..1.0_f64, more in 1.0..1.5_f64,
    ) {
        let process = Diffusion { volatility, log_drift: drift };
        let chance = |process: &Diffusion, line: f64, years: f64| process.falls_to(line, years).expect("a chance");
        let here = chance(&process, line, years);
        prop_assert!((0.0..=1.0).contains(&here));
        prop_assert!(chance(&process, (line * more).min(1.0), years) >= here - 1e-15);
        prop_assert!(chance(&process, line, years * more) >= here - 1e-15);
        let still = Diffusion { volatility, log_drift: 0.0 };
        let wilder = Diffusion { volatility: volatility * more, log_drift: 0.0 };
        prop_assert!(chance(&wilder, line, years) >= chance(&still, line, years) - 1e-15);
        // More looks see more, and nobody more than who always looks.
        let few = looks::falls_to(&process, line, years, 3).expect("a chance");
        let many = looks::falls_to(&process, line, years, 12).expect("a chance");
        prop_assert!(few <= many + 1e-9 && many <= here + 1e-9, "{few} {many} {here}");
    }

    /// A collateral that moves as its debt does has the ratio of one that stands still.
    #[test]
    fn a_ratio_of_equals_stands_still(volatility in 0.05..2.0_f64, line in 0.3..0.99_f64) {
        let process = Diffusion::of_ratio(volatility, volatility, 1.0).expect("a process");
        prop_assert!(process.falls_to(line, 1.0).expect("a chance") < 1e-12);
    }
}

/// Side by side or one after the other: number `i` of a path is the same, and what is made of it nearly.
#[test]
fn lanes_are_streams() {
    let drawn = Drawn { seed: 1 << 40, first: 1 << 33 };
    let [mut uniforms, mut normals, mut exponentials] = [[Across::splat(0.0); 9]; 3];
    Lanes::best().uniforms(drawn, 0, &mut uniforms);
    Lanes::best().normals(drawn, 0, &mut normals);
    Lanes::best().exponentials(drawn, 0, &mut exponentials);
    for (lane, path) in (drawn.first..).take(64).enumerate() {
        let [mut uniform, mut normal, mut exponential] = [(); 3].map(|()| Stream::new(drawn.seed, path));
        for i in 0..9 {
            near(uniforms[i].flat()[lane], uniform.uniform(), 0.0);
            near(normals[i].flat()[lane], normal.normal(), 1e-11);
            near(exponentials[i].flat()[lane], exponential.exponential(), 1e-14);
        }
    }
}

/// The same stream of a path, whatever was drawn before.
#[test]
fn streams_are_of_their_paths() {
    let mut first = Stream::new(1, 7);
    let list: Vec<u64> = (0..10).map(|_| first.bits()).collect();
    let mut again = Stream::new(1, 7);
    assert!(list.iter().all(|bits| *bits == again.bits()));
    assert_ne!(Stream::new(1, 8).bits(), list[0]);
    assert_ne!(Stream::new(2, 7).bits(), list[0]);
}
