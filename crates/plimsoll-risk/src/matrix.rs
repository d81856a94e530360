//! Small symmetric matrices: 22 assets, not 22,000. A dependency would cost more to build than this costs to read.

/// A square matrix, by rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    size: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// All zero.
    #[must_use]
    pub fn zero(size: usize) -> Matrix {
        Matrix { size, values: vec![0.0; size * size] }
    }

    /// Rows and columns.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The value in row `i` and column `j`.
    #[must_use]
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.size + j]
    }

    /// One row.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.size..(i + 1) * self.size]
    }

    /// Sets a value.
    pub fn set(&mut self, i: usize, j: usize, value: f64) {
        self.values[i * self.size + j] = value;
    }

    /// Sets a value and its mirror.
    pub fn set_both(&mut self, i: usize, j: usize, value: f64) {
        self.set(i, j, value);
        self.set(j, i, value);
    }

    /// The sum of the diagonal.
    #[must_use]
    pub fn trace(&self) -> f64 {
        (0..self.size).map(|i| self.at(i, i)).sum()
    }

    /// The product with another of the same size.
    #[must_use]
    pub(crate) fn times(&self, other: &Matrix) -> Matrix {
        let mut product = Matrix::zero(self.size);
        for i in 0..self.size {
            for j in 0..self.size {
                let sum = (0..self.size).map(|k| self.at(i, k) * other.at(k, j)).sum();
                product.set(i, j, sum);
            }
        }
        product
    }

    /// The lower triangle `L` with `L Lᵀ` equal to this; `None` where this is not positive definite.
    #[must_use]
    pub fn cholesky(&self) -> Option<Matrix> {
        let mut lower = Matrix::zero(self.size);
        for i in 0..self.size {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| lower.at(i, k) * lower.at(j, k)).sum();
                let rest = self.at(i, j) - dot;
                if i == j {
                    if rest.is_nan() || rest <= 0.0 {
                        return None;
                    }
                    lower.set(i, i, rest.sqrt());
                } else {
                    lower.set(i, j, rest / lower.at(j, j));
                }
            }
        }
        Some(lower)
    }

    /// The inverse of a positive definite matrix; `None` where it is none.
    #[must_use]
    pub(crate) fn inverse_of_positive(&self) -> Option<Matrix> {
        let lower = self.cholesky()?;
        let n = self.size;
        // L X = 1 forward, Lᵀ Y = X backward, column by column.
        let mut inverse = Matrix::zero(n);
        for column in 0..n {
            let mut x = vec![0.0; n];
            for i in 0..n {
                let unit = if i == column { 1.0 } else { 0.0 };
                let dot: f64 = (0..i).map(|k| lower.at(i, k) * x[k]).sum();
                x[i] = (unit - dot) / lower.at(i, i);
            }
            for i in (0..n).rev() {
                let dot: f64 = (i + 1..n).map(|k| lower.at(k, i) * x[k]).sum();
                x[i] = (x[i] - dot) / lower.at(i, i);
            }
            for (i, value) in x.into_iter().enumerate() {
                inverse.set(i, column, value);
            }
        }
        Some(inverse)
    }
}
