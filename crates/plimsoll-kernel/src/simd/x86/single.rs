//! Singles as one register of 512 bits or of 256.

use super::super::single::{Eight, Single};
use super::{Avx2, Avx512};
use crate::panel::LANES;
use crate::worlds::TILE;
use core::arch::x86_64::*;

impl Single for Avx2 {
    const LANES: usize = 8;
    type F = __m256;
    type C = __m256i;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: the token proves the feature.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn across(self, tile: &[f32; TILE], register: usize) -> __m256 {
        let at = register % (TILE / Self::LANES) * Self::LANES;
        // SAFETY: the token proves the feature; a whole register of the tile stands there.
        unsafe { _mm256_loadu_ps(tile.as_ptr().add(at)) }
    }

    #[inline(always)]
    fn mul_add(self, x: __m256, y: __m256, z: __m256) -> __m256 {
        // SAFETY: the token proves the features.
        unsafe { _mm256_fmadd_ps(x, y, z) }
    }

    #[inline(always)]
    fn abs(self, x: __m256) -> __m256 {
        // SAFETY: the token proves the feature.
        unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), x) }
    }

    #[inline(always)]
    fn neg(self, x: __m256) -> __m256 {
        // SAFETY: the token proves the feature.
        unsafe { _mm256_xor_ps(_mm256_set1_ps(-0.0), x) }
    }

    #[inline(always)]
    fn above(self, x: __m256, y: __m256) -> u16 {
        // SAFETY: the token proves the feature.
        unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(x, y)) as u16 }
    }

    #[inline(always)]
    fn most(self) -> __m256i {
        // SAFETY: the token proves the feature.
        unsafe { _mm256_set1_epi32(-1) }
    }

    #[inline(always)]
    fn load_counts(self, from: &[u32]) -> __m256i {
        match from.first_chunk::<8>() {
            // SAFETY: the token proves the feature; there are eight counts.
            Some(eight) => unsafe { _mm256_loadu_si256(eight.as_ptr().cast()) },
            None => self.most(),
        }
    }

    #[inline(always)]
    fn store_counts(self, into: &mut [u32], x: __m256i) {
        if let Some(eight) = into.first_chunk_mut::<8>() {
            // SAFETY: the token proves the feature; there is room for eight counts.
            unsafe { _mm256_storeu_si256(eight.as_mut_ptr().cast(), x) }
        }
    }

    #[inline(always)]
    fn count_signs(self, counts: __m256i, x: __m256) -> __m256i {
        // SAFETY: the token proves the feature.
        unsafe { _mm256_add_epi32(counts, _mm256_srli_epi32::<31>(_mm256_castps_si256(x))) }
    }

    #[inline(always)]
    fn least(self, bits: __m256i, x: __m256) -> __m256i {
        // SAFETY: the token proves the feature.
        unsafe { _mm256_min_epu32(bits, _mm256_castps_si256(x)) }
    }

    #[inline(always)]
    fn some_below(self, bits: __m256i, x: f32) -> bool {
        // SAFETY: the token proves the feature. What is not above the number's bits less one is below the number's.
        unsafe {
            let highest = _mm256_set1_epi32((x.to_bits() as i32).wrapping_sub(1));
            let below = _mm256_cmpeq_epi32(_mm256_min_epu32(bits, highest), bits);
            _mm256_movemask_epi8(below) != 0
        }
    }
}

impl Eight for Avx2 {
    #[inline(always)]
    fn load(self, lane: &[f32; LANES]) -> __m256 {
        // SAFETY: the token proves the feature; the lane is eight singles.
        unsafe { _mm256_loadu_ps(lane.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, lane: &mut [f32; LANES], x: __m256) {
        // SAFETY: the token proves the feature; there is room for eight singles.
        unsafe { _mm256_storeu_ps(lane.as_mut_ptr(), x) }
    }
}

impl Single for Avx512 {
    const LANES: usize = 16;
    type F = __m512;
    type C = __m512i;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn across(self, tile: &[f32; TILE], register: usize) -> __m512 {
        let at = register % (TILE / Self::LANES) * Self::LANES;
        // SAFETY: the token proves the feature; a whole register of the tile stands there.
        unsafe { _mm512_loadu_ps(tile.as_ptr().add(at)) }
    }

    #[inline(always)]
    fn mul_add(self, x: __m512, y: __m512, z: __m512) -> __m512 {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_fmadd_ps(x, y, z) }
    }

    #[inline(always)]
    fn abs(self, x: __m512) -> __m512 {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_abs_ps(x) }
    }

    #[inline(always)]
    fn neg(self, x: __m512) -> __m512 {
        // SAFETY: the token proves the features.
        unsafe { _mm512_xor_ps(_mm512_set1_ps(-0.0), x) }
    }

    #[inline(always)]
    fn above(self, x: __m512, y: __m512) -> u16 {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(x, y) }
    }

    #[inline(always)]
    fn most(self) -> __m512i {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_set1_epi32(-1) }
    }

    #[inline(always)]
    fn load_counts(self, from: &[u32]) -> __m512i {
        match from.first_chunk::<16>() {
            // SAFETY: the token proves the feature; there are sixteen counts.
            Some(sixteen) => unsafe { _mm512_loadu_si512(sixteen.as_ptr().cast()) },
            None => self.most(),
        }
    }

    #[inline(always)]
    fn store_counts(self, into: &mut [u32], x: __m512i) {
        if let Some(sixteen) = into.first_chunk_mut::<16>() {
            // SAFETY: the token proves the feature; there is room for sixteen counts.
            unsafe { _mm512_storeu_si512(sixteen.as_mut_ptr().cast(), x) }
        }
    }

    #[inline(always)]
    fn count_signs(self, counts: __m512i, x: __m512) -> __m512i {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_add_epi32(counts, _mm512_srli_epi32::<31>(_mm512_castps_si512(x))) }
    }

    #[inline(always)]
    fn least(self, bits: __m512i, x: __m512) -> __m512i {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_min_epu32(bits, _mm512_castps_si512(x)) }
    }

    #[inline(always)]
    fn some_below(self, bits: __m512i, x: f32) -> bool {
        // SAFETY: the token proves the feature.
        unsafe { _mm512_cmplt_epu32_mask(bits, _mm512_set1_epi32(x.to_bits() as i32)) != 0 }
    }
}
