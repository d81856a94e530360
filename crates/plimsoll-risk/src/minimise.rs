//! The smallest value of a function, found the same way on every machine: no derivatives, no random starts.

/// The smallest value and where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Minimum {
    pub(crate) at: Vec<f64>,
    pub(crate) value: f64,
}

/// Nelder and Mead 1965, begun again at its own answer until that no longer helps.
///
/// `steps` are the edges of the first simplex. A value that is no number counts as worse than any. `None` where even the
/// start has no value.
pub(crate) fn simplex(
    start: &[f64],
    steps: &[f64],
    tolerance: f64,
    value: &mut dyn FnMut(&[f64]) -> f64,
) -> Option<Minimum> {
    let mut best = once(start, steps, tolerance, value);
    for _ in 0..20 {
        let again = once(&best.at, steps, tolerance, value);
        let gained = best.value - again.value;
        if again.value < best.value {
            best = again;
        }
        if gained.is_nan() || gained <= tolerance {
            break;
        }
    }
    best.value.is_finite().then_some(best)
}

fn once(start: &[f64], steps: &[f64], tolerance: f64, value: &mut dyn FnMut(&[f64]) -> f64) -> Minimum {
    let n = start.len();
    let mut ask = |at: &[f64]| {
        let found = value(at);
        if found.is_nan() { f64::INFINITY } else { found }
    };
    let mut corners: Vec<(f64, Vec<f64>)> = Vec::with_capacity(n + 1);
    corners.push((ask(start), start.to_vec()));
    for i in 0..n {
        let mut at = start.to_vec();
        at[i] += steps[i];
        corners.push((ask(&at), at));
    }
    for _ in 0..400 * n {
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (least, worst) = (corners[0].0, corners[n].0);
        let width = |i: usize| corners.iter().map(|c| (c.1[i] - corners[0].1[i]).abs()).fold(0.0, f64::max);
        if worst - least <= tolerance && (0..n).all(|i| width(i) <= 1e-7 * steps[i].abs()) {
            break;
        }
        let centre: Vec<f64> =
            (0..n).map(|i| corners[..n].iter().map(|c| c.1[i]).sum::<f64>() / n as f64).collect();
        let along = |by: f64| -> Vec<f64> {
            centre.iter().zip(&corners[n].1).map(|(centre, worst)| centre + by * (worst - centre)).collect()
        };
        let mut try_at = |by: f64| {
            let at = along(by);
            (ask(&at), at)
        };
        let reflected = try_at(-1.0);
        let replacement = if reflected.0 < least {
            let further = try_at(-2.0);
            Some(if further.0 < reflected.0 { further } else { reflected })
        } else if reflected.0 < corners[n - 1].0 {
            Some(reflected)
        } else {
            let nearer = if reflected.0 < worst { try_at(-0.5) } else { try_at(0.5) };
            (nearer.0 < reflected.0.min(worst)).then_some(nearer)
        };
        match replacement {
            Some(corner) => corners[n] = corner,
            None => {
                let best = corners[0].1.clone();
                for corner in &mut corners[1..] {
                    for (x, best) in corner.1.iter_mut().zip(&best) {
                        *x = best + 0.5 * (*x - best);
                    }
                    corner.0 = ask(&corner.1);
                }
            }
        }
    }
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (value, at) = corners.swap_remove(0);
    Minimum { at, value }
}

/// The least value on an interval (Brent 1973: parabolas, golden sections where they mislead). The function has one valley.
pub(crate) fn valley(
    mut a: f64,
    mut b: f64,
    tolerance: f64,
    value: &mut dyn FnMut(f64) -> f64,
) -> (f64, f64) {
    const GOLDEN: f64 = 0.381_966_011_250_105;
    let mut x = a + GOLDEN * (b - a);
    let (mut w, mut v) = (x, x);
    let mut fx = value(x);
    let (mut fw, mut fv) = (fx, fx);
    let (mut step, mut before) = (0.0_f64, 0.0_f64);
    for _ in 0..200 {
        let middle = 0.5 * (a + b);
        let least = tolerance * x.abs() + 1e-12;
        if (x - middle).abs() <= 2.0 * least - 0.5 * (b - a) {
            break;
        }
        let r = (x - w) * (fx - fv);
        let q = (x - v) * (fx - fw);
        let (p, q) = ((x - v) * q - (x - w) * r, 2.0 * (q - r));
        let (p, q) = if q > 0.0 { (-p, q) } else { (p, -q) };
        let parabola =
            before.abs() > least && p.abs() < (0.5 * q * before).abs() && p > q * (a - x) && p < q * (b - x);
        if parabola {
            before = step;
            step = p / q;
            let at = x + step;
            if at - a < 2.0 * least || b - at < 2.0 * least {
                step = least.copysign(middle - x);
            }
        } else {
            before = if x >= middle { a - x } else { b - x };
            step = GOLDEN * before;
        }
        let at = if step.abs() >= least { x + step } else { x + least.copysign(step) };
        let found = value(at);
        if found <= fx {
            if at >= x {
                a = x
            } else {
                b = x
            }
            (v, fv, w, fw, x, fx) = (w, fw, x, fx, at, found);
        } else {
            if at < x {
                a = at
            } else {
                b = at
            }
            if found <= fw || w.total_cmp(&x).is_eq() {
                (v, fv, w, fw) = (w, fw, at, found);
            } else if found <= fv || v.total_cmp(&x).is_eq() || v.total_cmp(&w).is_eq() {
                (v, fv) = (at, found);
            }
        }
    }
    (x, fx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rosenbrocks_valley_is_walked_to_its_end() {
        let mut value = |x: &[f64]| (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2);
        let found = simplex(&[-1.2, 1.0], &[0.1, 0.1], 1e-16, &mut value).expect("a value");
        assert!((found.at[0] - 1.0).abs() < 1e-6 && (found.at[1] - 1.0).abs() < 1e-6, "{found:?}");
        assert!(simplex(&[0.0], &[1.0], 1e-9, &mut |_| f64::NAN).is_none());
    }

    #[test]
    fn a_valley_has_its_floor() {
        let (at, value) = valley(0.0, 3.0, 1e-9, &mut |x| (x - 2.0).abs().powf(1.5) - 1.0);
        assert!((at - 2.0).abs() < 1e-7 && (value + 1.0).abs() < 1e-9, "{at} {value}");
    }
}
