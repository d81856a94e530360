//! Distributions against a peer (`statrs`), against tables, and against themselves.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_risk::{Student, chi_squared_1_above, normal, normal_quantile};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

fn near(found: f64, expected: f64, share: f64) {
    assert!((found - expected).abs() <= share * expected.abs(), "found {found}, expected {expected}");
}

#[test]
fn the_normal_is_the_peers() {
    let peer = Normal::standard();
    for i in -80..=80 {
        let x = f64::from(i) / 10.0;
        near(normal(x), peer.cdf(x), 1e-9);
    }
    // Far out the peer has fewer digits; these are from a program of high precision.
    near(normal(-8.0), 6.220_960_574_271_784e-16, 1e-14);
    near(normal(-10.0), 7.619_853_024_160_526e-24, 1e-14);
    near(normal_quantile(0.975), 1.959_963_984_540_054, 1e-15);
    near(normal_quantile(1e-20), -9.262_340_089_798_408, 1e-14);
    for p in [1e-300, 1e-12, 0.01, 0.074, 0.076, 0.3, 0.5, 0.7, 0.93, 0.999] {
        near(normal(normal_quantile(p)), p, 4e-13);
    }
    assert!(normal_quantile(0.0) < -1e300 && normal_quantile(1.0) > 1e300);
    assert!(
        normal_quantile(-0.1).is_nan() && normal_quantile(1.1).is_nan() && normal_quantile(f64::NAN).is_nan()
    );
}

#[test]
fn the_student_is_the_peers() {
    for nu in [0.7, 1.0, 2.5, 3.0, 7.0, 30.0, 200.0] {
        let (ours, peer) = (Student::new(nu), StudentsT::new(0.0, 1.0, nu).expect("a Student"));
        for i in -60..=60 {
            let x = f64::from(i) / 6.0;
            near(ours.below(x), peer.cdf(x), 1e-11);
        }
        for p in [1e-10, 1e-4, 0.01, 0.2, 0.499, 0.6, 0.95, 0.9999] {
            near(ours.below(ours.quantile(p)), p, 1e-12);
        }
        assert!(
            ours.quantile(0.5).abs() < 1e-12 && ours.quantile(1.0) > 1e300 && ours.quantile(2.0).is_nan()
        );
    }
    // Cauchy: tan(pi (p - 1/2)); and the table of Student 1908 in its modern form.
    near(Student::new(1.0).quantile(0.975), 12.706_204_736_174_7, 1e-13);
    near(Student::new(10.0).quantile(0.995), 3.169_272_672_616_95, 1e-13);
    near(Student::new(3.0).ln_density(0.0), (2.0 / (std::f64::consts::PI * 3.0_f64.sqrt())).ln(), 1e-14);
}

#[test]
fn chi_squared_at_its_usual_points() {
    near(chi_squared_1_above(3.841_458_820_694_124), 0.05, 1e-13);
    near(chi_squared_1_above(6.634_896_601_021_213), 0.01, 1e-12);
}
