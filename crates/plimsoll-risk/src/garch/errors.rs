//! Standard errors by numerical derivatives of the likelihood at the optimum.

use super::{Data, Kind, Parameters};
use crate::matrix::Matrix;

/// From the inverse Hessian, and by the sandwich.
pub(super) fn standard_errors(
    data: &Data<'_>,
    kind: Kind,
    at: &Parameters,
) -> (Option<Vec<f64>>, Option<Vec<f64>>) {
    let centre = listed(kind, at);
    let value = |x: &[f64]| data.minus_log_likelihood(&named(kind, x));
    let hessian = hessian(&centre, &value);
    let Some(inverse) = hessian.inverse_of_positive() else { return (None, None) };
    let errors = roots(&inverse);
    let scores = scores(data, kind, &centre);
    let robust = roots(&inverse.times(&scores).times(&inverse));
    (errors, robust)
}

fn roots(matrix: &Matrix) -> Option<Vec<f64>> {
    let diagonal: Vec<f64> = (0..matrix.size()).map(|i| matrix.at(i, i)).collect();
    diagonal.iter().all(|value| *value > 0.0).then(|| diagonal.iter().map(|value| value.sqrt()).collect())
}

/// The estimated parameters in their order.
fn listed(kind: Kind, at: &Parameters) -> Vec<f64> {
    let mut list = vec![at.mu, at.omega, at.alpha];
    if kind.leverage {
        list.push(at.gamma);
    }
    list.push(at.beta);
    if kind.student {
        list.push(at.nu);
    }
    list
}

fn named(kind: Kind, x: &[f64]) -> Parameters {
    let mut rest = x[3..].iter().copied();
    let gamma = if kind.leverage { rest.next().unwrap_or(0.0) } else { 0.0 };
    let beta = rest.next().unwrap_or(0.0);
    let nu = if kind.student { rest.next().unwrap_or(f64::INFINITY) } else { f64::INFINITY };
    Parameters { mu: x[0], omega: x[1], alpha: x[2], gamma, beta, nu }
}

/// A step that balances the error of the difference with that of rounding: a power of the machine's precision.
fn steps(centre: &[f64], power: f64) -> Vec<f64> {
    let scale = libm::pow(f64::EPSILON, power);
    centre.iter().map(|x| scale * x.abs().max(0.1)).collect()
}

fn hessian(centre: &[f64], value: &dyn Fn(&[f64]) -> f64) -> Matrix {
    let (n, h) = (centre.len(), steps(centre, 0.25));
    let moved = |i: usize, a: f64, j: usize, b: f64| {
        let mut x = centre.to_vec();
        x[i] += a * h[i];
        x[j] += b * h[j];
        value(&x)
    };
    let mut matrix = Matrix::zero(n);
    for i in 0..n {
        for j in 0..=i {
            let second = moved(i, 1.0, j, 1.0) - moved(i, 1.0, j, -1.0) - moved(i, -1.0, j, 1.0)
                + moved(i, -1.0, j, -1.0);
            matrix.set_both(i, j, second / (4.0 * h[i] * h[j]));
        }
    }
    matrix
}

/// The sum over observations of the outer products of their gradients, less that of the mean gradient.
fn scores(data: &Data<'_>, kind: Kind, centre: &[f64]) -> Matrix {
    let (n, count) = (centre.len(), data.returns.len());
    let h = steps(centre, 1.0 / 3.0);
    let each = |x: &[f64]| {
        let mut list = Vec::with_capacity(count);
        data.each(&named(kind, x), |minus, _| list.push(minus));
        list
    };
    let gradients: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let (mut up, mut down) = (centre.to_vec(), centre.to_vec());
            up[i] += h[i];
            down[i] -= h[i];
            let slopes = each(&up).into_iter().zip(each(&down));
            slopes.map(|(up, down)| (up - down) / (2.0 * h[i])).collect()
        })
        .collect();
    let means: Vec<f64> = gradients.iter().map(|list| list.iter().sum::<f64>() / count as f64).collect();
    let mut matrix = Matrix::zero(n);
    for i in 0..n {
        for j in 0..=i {
            let products =
                gradients[i].iter().zip(&gradients[j]).map(|(a, b)| (a - means[i]) * (b - means[j]));
            let sum: f64 = products.sum();
            matrix.set_both(i, j, sum * count as f64 / (count as f64 - 1.0));
        }
    }
    matrix
}
