//! The paths: portable, AVX2 and AVX-512, equal bit for bit.
//!
//! A kernel is written once, over [`Simd`]: eight numbers side by side and what is done to them. Each lane's operations
//! come in one order on every path, each correctly rounded (fused multiply-adds everywhere), so that the paths agree to
//! the bit. What [`Single`] computes before that only spares them work. All unsafe code of the project stands in this folder.

#![allow(unsafe_code)]

mod portable;
#[cfg(test)]
mod scalar;
mod single;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use single::{Eight, Single};

use crate::panel::LANES;
use portable::Portable;

/// Eight numbers side by side.
pub(crate) trait Simd: Copy {
    type V: Copy;
    /// Eight counts.
    type I: Copy;
    /// Eight singles side by side.
    type Eight: Eight;
    /// As many as a register holds.
    type Full: Single;
    /// Registers are many enough for four accounts side by side.
    const MANY: bool;
    /// The singles of this path; `None` where it has none.
    fn singles(self) -> Option<(Self::Eight, Self::Full)>;
    fn load(self, lane: &[f64; LANES]) -> Self::V;
    fn store(self, lane: &mut [f64; LANES], x: Self::V);
    fn splat(self, x: f64) -> Self::V;
    /// x y + z, rounded once.
    fn mul_add(self, x: Self::V, y: Self::V, z: Self::V) -> Self::V;
    fn sub(self, x: Self::V, y: Self::V) -> Self::V;
    fn plus(self, x: Self::V, y: Self::V) -> Self::V;
    fn times(self, x: Self::V, y: Self::V) -> Self::V;
    fn over(self, x: Self::V, y: Self::V) -> Self::V;
    fn root(self, x: Self::V) -> Self::V;
    fn abs(self, x: Self::V) -> Self::V;
    /// The greater; zero where `x` is not a number.
    fn or_zero(self, x: Self::V) -> Self::V;
    /// The lesser; y where they cannot be compared.
    fn min(self, x: Self::V, y: Self::V) -> Self::V;
    /// Where `a` is below `b` the first, else the second. Not a number is below nothing.
    fn where_below(self, a: Self::V, b: Self::V, then: Self::V, other: Self::V) -> Self::V;
    /// Bit k: lane k of x is below that of y. Not a number is below nothing.
    fn below(self, x: Self::V, y: Self::V) -> u8;
    /// Bit k: lane k of x is that of y or above. Not a number is at least nothing.
    fn at_least(self, x: Self::V, y: Self::V) -> u8;
    /// Bit k: lane k of x is above that of y. Not a number is above nothing.
    fn above(self, x: Self::V, y: Self::V) -> u8;
    /// Eight words of 64 bits.
    fn load_words(self, words: &[u64; LANES]) -> Self::I;
    fn store_words(self, words: &mut [u64; LANES], x: Self::I);
    fn splat_word(self, x: u64) -> Self::I;
    /// The product of the lower halves, whole.
    fn halves_product(self, x: Self::I, y: Self::I) -> Self::I;
    /// The sum, modulo 2^64.
    fn plus_word(self, x: Self::I, y: Self::I) -> Self::I;
    fn xor(self, x: Self::I, y: Self::I) -> Self::I;
    fn and(self, x: Self::I, y: Self::I) -> Self::I;
    /// Shifted towards the lowest bit, fewer than 64 places.
    fn down(self, x: Self::I, places: u32) -> Self::I;
    /// Shifted towards the highest bit, fewer than 64 places.
    fn up(self, x: Self::I, places: u32) -> Self::I;
    fn bits(self, x: Self::V) -> Self::I;
    fn float(self, bits: Self::I) -> Self::V;
    fn load_counts(self, counts: &[i64; LANES]) -> Self::I;
    fn store_counts(self, counts: &mut [i64; LANES], x: Self::I);
    /// One more where x is below y.
    fn count_below(self, counts: Self::I, x: Self::V, y: Self::V) -> Self::I;
    /// Adds x, rounded to the nearest integer (ties to even), to the sums in the mask; |x| stays below 2^62.
    fn add(self, sums: &mut [i64; LANES], mask: u8, x: Self::V);
}

/// Something to do over a path. What it does stands in functions that are inlined, and in loops: a closure that the compiler does not
/// inline has none of the path's instructions.
pub(crate) trait Job {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// A way of computing; every one gives the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Plain Rust.
    Portable,
    /// 256 bits with fused multiply-adds.
    Avx2,
    /// 512 bits.
    Avx512,
    /// Plain Rust with singles, a tile's in registers of so many lanes as AVX2 has.
    #[cfg(test)]
    Eight,
    /// The same in registers of so many as AVX-512 has.
    #[cfg(test)]
    Sixteen,
}

impl Path {
    /// All of them, the plainest first.
    pub const ALL: [Path; 3] = [Path::Portable, Path::Avx2, Path::Avx512];

    /// Whether this processor has it.
    #[must_use]
    pub fn available(self) -> bool {
        match self {
            Path::Portable => true,
            #[cfg(test)]
            Path::Eight | Path::Sixteen => true,
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => x86::Avx2::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => x86::Avx512::new().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Path::Avx2 | Path::Avx512 => false,
        }
    }

    /// The fastest that this processor has.
    #[must_use]
    pub fn best() -> Path {
        Path::ALL.into_iter().rev().find(|path| path.available()).unwrap_or(Path::Portable)
    }

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Path::Portable => "portable",
            Path::Avx2 => "avx2",
            Path::Avx512 => "avx512",
            #[cfg(test)]
            Path::Eight => "eight",
            #[cfg(test)]
            Path::Sixteen => "sixteen",
        }
    }

    /// Runs a job on this path; on the portable one where the processor does not have it.
    pub(crate) fn run<J: Job>(self, job: J) -> J::Output {
        #[cfg(test)]
        match self {
            Path::Eight => return job.run(Portable(Some((scalar::Scalar::<8>, scalar::Scalar::<8>)))),
            Path::Sixteen => return job.run(Portable(Some((scalar::Scalar::<8>, scalar::Scalar::<16>)))),
            _ => {}
        }
        #[cfg(target_arch = "x86_64")]
        match self {
            Path::Avx512 => {
                if let Some(simd) = x86::Avx512::new() {
                    return simd.vectorised(job);
                }
            }
            Path::Avx2 => {
                if let Some(simd) = x86::Avx2::new() {
                    return simd.vectorised(job);
                }
            }
            _ => {}
        }
        job.run(Portable::DEFINITION)
    }
}

/// Asks for huge pages for this room before it is first written to; without them it is only slower.
pub(crate) fn huge_pages<T>(room: &Vec<T>) {
    #[cfg(target_os = "linux")]
    {
        const HUGE: usize = 1 << 21;
        const ADVICE_HUGE: i32 = 14; // MADV_HUGEPAGE
        unsafe extern "C" {
            fn madvise(address: *mut core::ffi::c_void, length: usize, advice: i32) -> i32;
        }
        let begin = room.as_ptr().addr().next_multiple_of(HUGE);
        let end = (room.as_ptr().addr() + room.capacity() * size_of::<T>()) / HUGE * HUGE;
        if begin < end {
            let address = room.as_ptr().with_addr(begin).cast_mut().cast();
            // SAFETY: the pages from `begin` to `end` lie inside the vector's own room, and the advice changes how
            // they are backed, never what they hold. A refusal changes nothing.
            let _ = unsafe { madvise(address, end - begin, ADVICE_HUGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = room;
}

/// Asks for a place in memory that will be needed soon; without it it is only slower.
#[inline(always)]
pub(crate) fn prefetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction, and it neither faults nor changes anything that a program can see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(place).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
