//! Eight lanes as one register of 512 bits, or two of 256.
//!
//! A token proves that the processor has what its methods need: it is made by asking the processor, and by nothing else.
//! [`Avx512::vectorised`] and [`Avx2::vectorised`] are compiled for those instructions; all that a job does is inlined into them.

mod single;

use super::{Job, Simd};
use crate::panel::LANES;
use core::arch::x86_64::*;

#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn new() -> Option<Avx512> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        has.then_some(Avx512(()))
    }

    pub(super) fn vectorised<J: Job>(self, job: J) -> J::Output {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
        fn inner<J: Job>(simd: Avx512, job: J) -> J::Output {
            job.run(simd)
        }
        // SAFETY: the token proves the features.
        unsafe { inner(self, job) }
    }
}

impl Simd for Avx512 {
    type V = __m512d;
    type I = __m512i;
    type Eight = Avx2;
    type Full = Avx512;
    const MANY: bool = true;

    #[inline(always)]
    fn singles(self) -> Option<(Avx2, Avx512)> {
        // Whoever has this token's features has those of the other.
        Some((Avx2(()), self))
    }

    #[inline(always)]
    fn load(self, lane: &[f64; LANES]) -> Self::V {
        // SAFETY: the token proves the feature; the lane is eight floats.
        unsafe { _mm512_loadu_pd(lane.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, lane: &mut [f64; LANES], x: Self::V) {
        // SAFETY: the token proves the feature; there is room for eight floats.
        unsafe { _mm512_storeu_pd(lane.as_mut_ptr(), x) }
    }

    #[inline(always)]
    fn splat(self, x: f64) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_set1_pd(x) }
    }

    #[inline(always)]
    fn mul_add(self, x: Self::V, y: Self::V, z: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_fmadd_pd(x, y, z) }
    }

    #[inline(always)]
    fn sub(self, x: Self::V, y: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_sub_pd(x, y) }
    }

    #[inline(always)]
    fn plus(self, x: Self::V, y: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_add_pd(x, y) }
    }

    #[inline(always)]
    fn times(self, x: Self::V, y: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_mul_pd(x, y) }
    }

    #[inline(always)]
    fn over(self, x: Self::V, y: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_div_pd(x, y) }
    }

    #[inline(always)]
    fn root(self, x: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_sqrt_pd(x) }
    }

    #[inline(always)]
    fn where_below(self, a: Self::V, b: Self::V, then: Self::V, other: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b), other, then) }
    }

    #[inline(always)]
    fn abs(self, x: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_abs_pd(x) }
    }

    #[inline(always)]
    fn or_zero(self, x: Self::V) -> Self::V {
        // SAFETY: the token proves the feature. The instruction gives its second operand where one is not a number.
        unsafe { _mm512_max_pd(x, _mm512_setzero_pd()) }
    }

    #[inline(always)]
    fn below(self, x: Self::V, y: Self::V) -> u8 {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_cmp_pd_mask::<_CMP_LT_OQ>(x, y) }
    }

    #[inline(always)]
    fn min(self, x: Self::V, y: Self::V) -> Self::V {
        // SAFETY: the token proves the feature. The instruction gives its second operand where they cannot be compared.
        unsafe { _mm512_min_pd(x, y) }
    }

    #[inline(always)]
    fn at_least(self, x: Self::V, y: Self::V) -> u8 {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_cmp_pd_mask::<_CMP_GE_OQ>(x, y) }
    }

    #[inline(always)]
    fn above(self, x: Self::V, y: Self::V) -> u8 {
        self.below(y, x)
    }

    #[inline(always)]
    fn load_words(self, words: &[u64; LANES]) -> Self::I {
        // SAFETY: the token proves the feature; the words are eight of 64 bits.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_words(self, words: &mut [u64; LANES], x: Self::I) {
        // SAFETY: the token proves the feature; there is room for eight words.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn splat_word(self, x: u64) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_set1_epi64(x.cast_signed()) }
    }

    #[inline(always)]
    fn halves_product(self, x: Self::I, y: Self::I) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_mul_epu32(x, y) }
    }

    #[inline(always)]
    fn plus_word(self, x: Self::I, y: Self::I) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_add_epi64(x, y) }
    }

    #[inline(always)]
    fn xor(self, x: Self::I, y: Self::I) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_xor_si512(x, y) }
    }

    #[inline(always)]
    fn and(self, x: Self::I, y: Self::I) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_and_si512(x, y) }
    }

    #[inline(always)]
    fn down(self, x: Self::I, places: u32) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_srl_epi64(x, _mm_cvtsi32_si128(places.cast_signed())) }
    }

    #[inline(always)]
    fn up(self, x: Self::I, places: u32) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_sll_epi64(x, _mm_cvtsi32_si128(places.cast_signed())) }
    }

    #[inline(always)]
    fn bits(self, x: Self::V) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_castpd_si512(x) }
    }

    #[inline(always)]
    fn float(self, bits: Self::I) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_castsi512_pd(bits) }
    }

    #[inline(always)]
    fn load_counts(self, counts: &[i64; LANES]) -> Self::I {
        // SAFETY: the token proves the feature; the counts are eight integers.
        unsafe { _mm512_loadu_si512(counts.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_counts(self, counts: &mut [i64; LANES], x: Self::I) {
        // SAFETY: the token proves the feature; there is room for eight integers.
        unsafe { _mm512_storeu_si512(counts.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn count_below(self, counts: Self::I, x: Self::V, y: Self::V) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe {
            let mask = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(x, y);
            _mm512_mask_sub_epi64(counts, mask, counts, _mm512_set1_epi64(-1))
        }
    }

    #[inline(always)]
    fn add(self, sums: &mut [i64; LANES], mask: u8, x: Self::V) {
        // SAFETY: the token proves the features; the sums are eight integers. The conversion rounds as the processor is
        // set, which in a Rust program is to the nearest, ties to even.
        unsafe {
            let old = _mm512_loadu_si512(sums.as_ptr().cast());
            let new = _mm512_mask_add_epi64(old, mask, old, _mm512_cvtpd_epi64(x));
            _mm512_storeu_si512(sums.as_mut_ptr().cast(), new);
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn new() -> Option<Avx2> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }

    pub(super) fn vectorised<J: Job>(self, job: J) -> J::Output {
        #[target_feature(enable = "avx2,fma")]
        fn inner<J: Job>(simd: Avx2, job: J) -> J::Output {
            job.run(simd)
        }
        // SAFETY: the token proves the features.
        unsafe { inner(self, job) }
    }
}

impl Simd for Avx2 {
    type V = (__m256d, __m256d);
    type I = (__m256i, __m256i);
    type Eight = Avx2;
    type Full = Avx2;
    const MANY: bool = false;

    #[inline(always)]
    fn singles(self) -> Option<(Avx2, Avx2)> {
        Some((self, self))
    }

    #[inline(always)]
    fn load(self, lane: &[f64; LANES]) -> Self::V {
        // SAFETY: the token proves the feature; the lane is eight floats.
        unsafe { (_mm256_loadu_pd(lane.as_ptr()), _mm256_loadu_pd(lane.as_ptr().add(4))) }
    }

    #[inline(always)]
    fn store(self, lane: &mut [f64; LANES], x: Self::V) {
        // SAFETY: the token proves the feature; there is room for eight floats.
        unsafe {
            _mm256_storeu_pd(lane.as_mut_ptr(), x.0);
            _mm256_storeu_pd(lane.as_mut_ptr().add(4), x.1);
        }
    }

    #[inline(always)]
    fn splat(self, x: f64) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_set1_pd(x), _mm256_set1_pd(x)) }
    }

    #[inline(always)]
    fn mul_add(self, x: Self::V, y: Self::V, z: Self::V) -> Self::V {
        // SAFETY: the token proves the features.
        unsafe { (_mm256_fmadd_pd(x.0, y.0, z.0), _mm256_fmadd_pd(x.1, y.1, z.1)) }
    }

    #[inline(always)]
    fn sub(self, x: Self::V, y: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_sub_pd(x.0, y.0), _mm256_sub_pd(x.1, y.1)) }
    }

    #[inline(always)]
    fn plus(self, x: Self::V, y: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_add_pd(x.0, y.0), _mm256_add_pd(x.1, y.1)) }
    }

    #[inline(always)]
    fn times(self, x: Self::V, y: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_mul_pd(x.0, y.0), _mm256_mul_pd(x.1, y.1)) }
    }

    #[inline(always)]
    fn over(self, x: Self::V, y: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_div_pd(x.0, y.0), _mm256_div_pd(x.1, y.1)) }
    }

    #[inline(always)]
    fn root(self, x: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_sqrt_pd(x.0), _mm256_sqrt_pd(x.1)) }
    }

    #[inline(always)]
    fn where_below(self, a: Self::V, b: Self::V, then: Self::V, other: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe {
            let low = _mm256_cmp_pd::<_CMP_LT_OQ>(a.0, b.0);
            let high = _mm256_cmp_pd::<_CMP_LT_OQ>(a.1, b.1);
            (_mm256_blendv_pd(other.0, then.0, low), _mm256_blendv_pd(other.1, then.1, high))
        }
    }

    #[inline(always)]
    fn abs(self, x: Self::V) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe {
            let sign = _mm256_set1_pd(-0.0);
            (_mm256_andnot_pd(sign, x.0), _mm256_andnot_pd(sign, x.1))
        }
    }

    #[inline(always)]
    fn or_zero(self, x: Self::V) -> Self::V {
        // SAFETY: the token proves the feature. The instruction gives its second operand where one is not a number.
        unsafe {
            let zero = _mm256_setzero_pd();
            (_mm256_max_pd(x.0, zero), _mm256_max_pd(x.1, zero))
        }
    }

    #[inline(always)]
    fn below(self, x: Self::V, y: Self::V) -> u8 {
        // SAFETY: the token proves the feature.
        let [low, high] = unsafe {
            let low = _mm256_cmp_pd::<_CMP_LT_OQ>(x.0, y.0);
            let high = _mm256_cmp_pd::<_CMP_LT_OQ>(x.1, y.1);
            [_mm256_movemask_pd(low), _mm256_movemask_pd(high)]
        };
        (low | high << 4) as u8
    }

    #[inline(always)]
    fn min(self, x: Self::V, y: Self::V) -> Self::V {
        // SAFETY: the token proves the feature. The instruction gives its second operand where they cannot be compared.
        unsafe { (_mm256_min_pd(x.0, y.0), _mm256_min_pd(x.1, y.1)) }
    }

    #[inline(always)]
    fn at_least(self, x: Self::V, y: Self::V) -> u8 {
        // SAFETY: the token proves the feature.
        let [low, high] = unsafe {
            let low = _mm256_cmp_pd::<_CMP_GE_OQ>(x.0, y.0);
            let high = _mm256_cmp_pd::<_CMP_GE_OQ>(x.1, y.1);
            [_mm256_movemask_pd(low), _mm256_movemask_pd(high)]
        };
        (low | high << 4) as u8
    }

    #[inline(always)]
    fn above(self, x: Self::V, y: Self::V) -> u8 {
        self.below(y, x)
    }

    #[inline(always)]
    fn load_words(self, words: &[u64; LANES]) -> Self::I {
        // SAFETY: the token proves the feature; the words are eight of 64 bits.
        unsafe {
            let at = words.as_ptr();
            (_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(at.add(4).cast()))
        }
    }

    #[inline(always)]
    fn store_words(self, words: &mut [u64; LANES], x: Self::I) {
        // SAFETY: the token proves the feature; there is room for eight words.
        unsafe {
            let at = words.as_mut_ptr();
            _mm256_storeu_si256(at.cast(), x.0);
            _mm256_storeu_si256(at.add(4).cast(), x.1);
        }
    }

    #[inline(always)]
    fn splat_word(self, x: u64) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_set1_epi64x(x.cast_signed()), _mm256_set1_epi64x(x.cast_signed())) }
    }

    #[inline(always)]
    fn halves_product(self, x: Self::I, y: Self::I) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_mul_epu32(x.0, y.0), _mm256_mul_epu32(x.1, y.1)) }
    }

    #[inline(always)]
    fn plus_word(self, x: Self::I, y: Self::I) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_add_epi64(x.0, y.0), _mm256_add_epi64(x.1, y.1)) }
    }

    #[inline(always)]
    fn xor(self, x: Self::I, y: Self::I) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_xor_si256(x.0, y.0), _mm256_xor_si256(x.1, y.1)) }
    }

    #[inline(always)]
    fn and(self, x: Self::I, y: Self::I) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_and_si256(x.0, y.0), _mm256_and_si256(x.1, y.1)) }
    }

    #[inline(always)]
    fn down(self, x: Self::I, places: u32) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe {
            let places = _mm_cvtsi32_si128(places.cast_signed());
            (_mm256_srl_epi64(x.0, places), _mm256_srl_epi64(x.1, places))
        }
    }

    #[inline(always)]
    fn up(self, x: Self::I, places: u32) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe {
            let places = _mm_cvtsi32_si128(places.cast_signed());
            (_mm256_sll_epi64(x.0, places), _mm256_sll_epi64(x.1, places))
        }
    }

    #[inline(always)]
    fn bits(self, x: Self::V) -> Self::I {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_castpd_si256(x.0), _mm256_castpd_si256(x.1)) }
    }

    #[inline(always)]
    fn float(self, bits: Self::I) -> Self::V {
        // SAFETY: the token proves the feature.
        unsafe { (_mm256_castsi256_pd(bits.0), _mm256_castsi256_pd(bits.1)) }
    }

    #[inline(always)]
    fn load_counts(self, counts: &[i64; LANES]) -> Self::I {
        // SAFETY: the token proves the feature; the counts are eight integers.
        unsafe {
            let at = counts.as_ptr();
            (_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(at.add(4).cast()))
        }
    }

    #[inline(always)]
    fn store_counts(self, counts: &mut [i64; LANES], x: Self::I) {
        // SAFETY: the token proves the feature; there is room for eight integers.
        unsafe {
            let at = counts.as_mut_ptr();
            _mm256_storeu_si256(at.cast(), x.0);
            _mm256_storeu_si256(at.add(4).cast(), x.1);
        }
    }

    #[inline(always)]
    fn count_below(self, counts: Self::I, x: Self::V, y: Self::V) -> Self::I {
        // SAFETY: the token proves the feature. A comparison that holds is minus one as an integer.
        unsafe {
            let low = _mm256_castpd_si256(_mm256_cmp_pd::<_CMP_LT_OQ>(x.0, y.0));
            let high = _mm256_castpd_si256(_mm256_cmp_pd::<_CMP_LT_OQ>(x.1, y.1));
            (_mm256_sub_epi64(counts.0, low), _mm256_sub_epi64(counts.1, high))
        }
    }

    #[inline(always)]
    fn add(self, sums: &mut [i64; LANES], mask: u8, x: Self::V) {
        if mask == 0 {
            return;
        }
        let mut lanes = [0.0; LANES];
        self.store(&mut lanes, x);
        for (k, sum) in sums.iter_mut().enumerate() {
            if mask >> k & 1 == 1 {
                *sum += lanes[k].round_ties_even() as i64;
            }
        }
    }
}
