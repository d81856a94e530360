//! Points that fill a cube more evenly than random ones: Sobol's and Halton's. Unscrambled, and the first is the origin: skip it before
//! inverting a distribution.

mod directions;

use crate::unfit::Unfit;
use directions::DIRECTIONS;

/// The most dimensions of [`Sobol`].
pub const SOBOL_DIMENSIONS: usize = DIRECTIONS.len() + 1;

/// Bits of a coordinate.
const BITS: u32 = 32;

/// Sobol's sequence in the order of Antonov and Saleev 1979, with the directions of Joe and Kuo 2008 (`new-joe-kuo-6`).
#[derive(Clone, Debug)]
pub struct Sobol {
    directions: Vec<[u32; BITS as usize]>,
}

impl Sobol {
    /// In so many dimensions.
    ///
    /// # Errors
    /// With none, or more than [`SOBOL_DIMENSIONS`].
    pub fn new(dimensions: usize) -> Result<Sobol, Unfit> {
        if dimensions == 0 || dimensions > SOBOL_DIMENSIONS {
            let expected = "at least 1 and at most SOBOL_DIMENSIONS";
            return Err(Unfit::Number { name: "dimensions", found: dimensions as f64, expected });
        }
        // The first dimension is van der Corput's in base 2.
        let first = std::array::from_fn(|bit| 1 << (BITS - 1 - bit as u32));
        let rest =
            DIRECTIONS[..dimensions - 1].iter().map(|(polynomial, start)| directed(*polynomial, start));
        Ok(Sobol { directions: std::iter::once(first).chain(rest).collect() })
    }

    /// One coordinate of point `index`, 0 included and 1 excluded: found at once, so that any worker may have any point.
    #[must_use]
    pub fn at(&self, index: u32, dimension: usize) -> f64 {
        let gray = index ^ (index >> 1);
        let directions = self.directions[dimension].iter().enumerate();
        let bits = directions
            .fold(0, |sum, (bit, direction)| if gray >> bit & 1 == 1 { sum ^ direction } else { sum });
        f64::from(bits) / 4_294_967_296.0
    }
}

/// Direction numbers from a primitive polynomial (its coefficients as bits, highest first) and the first few, odd.
fn directed(polynomial: u32, start: &[u32]) -> [u32; BITS as usize] {
    let degree = start.len();
    let mut numbers = [0_u32; BITS as usize];
    for bit in 0..BITS as usize {
        numbers[bit] = if bit < degree {
            start[bit] << (BITS as usize - 1 - bit)
        } else {
            let earlier = numbers[bit - degree];
            (1..degree)
                .filter(|k| polynomial >> (degree - k) & 1 == 1)
                .fold(earlier ^ (earlier >> degree), |sum, k| sum ^ numbers[bit - k])
        };
    }
    numbers
}

/// One coordinate of Halton's point `index` in the base of this dimension: digits mirrored at the point (Halton 1960). Bases are
/// primes, so dimensions go together; beyond a dozen they go together badly.
#[must_use]
pub fn halton(mut index: u64, base: u64) -> f64 {
    let (mut value, mut place) = (0.0, 1.0 / base as f64);
    while index > 0 && base > 1 {
        value += (index % base) as f64 * place;
        place /= base as f64;
        index /= base;
    }
    value
}
