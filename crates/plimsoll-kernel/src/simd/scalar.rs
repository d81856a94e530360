//! Singles in plain Rust, for tests: whatever is written for sixteen lanes runs on every machine, and what an instruction should do
//! is said once more.

use super::{Eight, Single};
use crate::panel::LANES;
use crate::worlds::TILE;
use std::array::from_fn;

/// So many singles.
#[derive(Clone, Copy)]
pub(super) struct Scalar<const N: usize>;

impl<const N: usize> Single for Scalar<N> {
    const LANES: usize = N;
    type F = [f32; N];
    type C = [u32; N];

    fn splat(self, x: f32) -> [f32; N] {
        [x; N]
    }

    fn across(self, tile: &[f32; TILE], register: usize) -> [f32; N] {
        from_fn(|k| tile[(register * N + k) % TILE])
    }

    fn mul_add(self, x: [f32; N], y: [f32; N], z: [f32; N]) -> [f32; N] {
        from_fn(|k| x[k].mul_add(y[k], z[k]))
    }

    fn abs(self, x: [f32; N]) -> [f32; N] {
        x.map(f32::abs)
    }

    fn neg(self, x: [f32; N]) -> [f32; N] {
        x.map(|x| -x)
    }

    fn above(self, x: [f32; N], y: [f32; N]) -> u16 {
        (0..N).fold(0, |mask, k| mask | (u16::from(x[k] > y[k]) << k))
    }

    fn most(self) -> [u32; N] {
        [u32::MAX; N]
    }

    fn load_counts(self, from: &[u32]) -> [u32; N] {
        from_fn(|k| from[k])
    }

    fn store_counts(self, into: &mut [u32], x: [u32; N]) {
        into[..N].copy_from_slice(&x);
    }

    fn count_signs(self, counts: [u32; N], x: [f32; N]) -> [u32; N] {
        from_fn(|k| counts[k] + u32::from(x[k].is_sign_negative()))
    }

    fn least(self, bits: [u32; N], x: [f32; N]) -> [u32; N] {
        from_fn(|k| bits[k].min(x[k].to_bits()))
    }

    fn some_below(self, bits: [u32; N], x: f32) -> bool {
        bits.iter().any(|&bits| bits < x.to_bits())
    }
}

impl Eight for Scalar<LANES> {
    fn load(self, lane: &[f32; LANES]) -> [f32; LANES] {
        *lane
    }

    fn store(self, lane: &mut [f32; LANES], x: [f32; LANES]) {
        *lane = x;
    }
}

#[cfg(test)]
mod tests {
    use super::Scalar;
    use crate::panel::LANES;
    use crate::simd::{Eight, Job, Path, Simd, Single};
    use crate::worlds::TILE;
    use crate::{Layout, MarketRows, Money, Packed, Packing, Plan, Threads, World, Worlds};
    use plimsoll_core::{Compiled, Form, Int, Linear, Node, NodeId, U256};
    use std::array::from_fn;

    /// Numbers that look drawn, the same in every run (xorshift64).
    struct Drawn(u64);

    impl Drawn {
        fn bits(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        /// At least `low`, less than `high`.
        fn within(&mut self, low: u64, high: u64) -> u64 {
            low + self.bits() % (high - low)
        }
    }

    /// A register as bits, whatever it is made of.
    fn bits<S: Single>(s: S, x: S::F) -> Vec<u32> {
        counts(s, s.least(s.most(), x))
    }

    fn counts<S: Single>(s: S, x: S::C) -> Vec<u32> {
        let mut counts = vec![7; S::LANES];
        s.store_counts(&mut counts, x);
        counts
    }

    /// A sum that is not a number may be any of those that are none.
    fn sums(bits: Vec<u32>) -> Vec<u32> {
        bits.into_iter().map(|bits| if f32::from_bits(bits).is_nan() { u32::MAX } else { bits }).collect()
    }

    /// Everything that registers do, of three tiles and some counts.
    fn all<S: Single>(s: S, tiles: &[[f32; TILE]; 3], some: &[u32; TILE]) -> Vec<Vec<u32>> {
        let mut all = Vec::new();
        for register in 0..TILE / S::LANES + 1 {
            let [x, y, z] = [0, 1, 2].map(|tile| s.across(&tiles[tile], register));
            let from = &some[register % (TILE / S::LANES) * S::LANES..][..S::LANES];
            let held = s.load_counts(from);
            let limit = tiles[0][register % TILE];
            all.extend([
                bits(s, x),
                bits(s, s.splat(limit)),
                bits(s, s.abs(x)),
                bits(s, s.neg(x)),
                sums(bits(s, s.mul_add(x, y, z))),
                counts(s, held),
                counts(s, s.most()),
                counts(s, s.count_signs(held, x)),
                counts(s, s.least(held, x)),
                vec![u32::from(s.above(x, y)), u32::from(s.above(x, x))],
            ]);
            // What is compared with is no zero.
            if limit.to_bits() != 0 {
                all.push(vec![u32::from(s.some_below(held, limit))]);
            }
        }
        all
    }

    fn lanes<E: Eight>(e: E, lane: &[f32; LANES]) -> [u32; LANES] {
        let mut stored = [0.0; LANES];
        e.store(&mut stored, e.load(lane));
        stored.map(f32::to_bits)
    }

    struct Instructions([[f32; TILE]; 3], [u32; TILE]);

    impl Job for Instructions {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Instructions(tiles, some) = self;
            let Some((eight, full)) = s.singles() else { return };
            let expected = all(Scalar::<8>, &tiles, &some);
            assert_eq!(all(eight, &tiles, &some), expected);
            match S::Full::LANES {
                8 => assert_eq!(all(full, &tiles, &some), expected),
                16 => assert_eq!(all(full, &tiles, &some), all(Scalar::<16>, &tiles, &some)),
                lanes => panic!("{lanes} lanes"),
            }
            let lane = from_fn(|k| tiles[0][k]);
            assert_eq!(lanes(eight, &lane), lane.map(f32::to_bits));
        }
    }

    /// Each instruction does what is said of it, on whatever path this processor has.
    #[test]
    fn every_instruction_is_its_definition() {
        let edges = [0.0, -0.0, 1.0, -1.0, f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX];
        let edges = [&edges[..], &[f32::MIN_POSITIVE, -1e-45, 1e-45, 1.0 + f32::EPSILON, 1e-33]].concat();
        let mut drawn = Drawn(1);
        for _ in 0..200 {
            let tiles = from_fn(|_| {
                from_fn(|_| match drawn.within(0, 4) {
                    0 => edges[drawn.within(0, edges.len() as u64) as usize],
                    1 => f32::from_bits(drawn.bits() as u32),
                    _ => drawn.within(0, 1 << 24) as f32 / 65536.0 - 100.0,
                })
            });
            let some = from_fn(|_| drawn.bits() as u32 >> drawn.within(0, 32));
            for path in Path::ALL.into_iter().filter(|path| path.available()) {
                path.run(Instructions(tiles, some));
            }
        }
    }

    fn at(node: usize, coefficient: u64) -> (NodeId, Int) {
        (NodeId(node as u32), Int::from(coefficient))
    }

    /// An account with so many holdings and debts, whose line is in the world or a share of it away from there.
    fn account(drawn: &mut Drawn, held: usize, width: usize, world: &[u64]) -> Compiled {
        let mut size = || drawn.within(1 << 30, 1 << 40);
        let mut side = |nodes: std::ops::Range<usize>| -> Vec<(NodeId, Int, u128)> {
            let term = |node: usize| {
                let size = size();
                (NodeId(node as u32), Int::from(size), u128::from(size) * u128::from(world[node]))
            };
            nodes.map(term).collect()
        };
        let (backing, mut owed) = (side(0..held), side(held..width - 1));
        // Debts but for the last are a part of what may be owed.
        owed.retain(|(_, _, worth)| worth * 2 < sum(&backing) / width as u128);
        let left = sum(&backing) - sum(&owed);
        let off = [0, 1 << 42, 1 << 30, 1 << 20, 1 << 10, 1 << 5, 1 << 2][drawn.within(0, 7) as usize];
        let away = left.checked_div(off).unwrap_or(0);
        let left = if drawn.within(0, 2) == 0 { left - away } else { left + away };
        let last = at(width - 1, (left / u128::from(world[width - 1])) as u64);
        let terms = |side: &[(NodeId, Int, u128)]| side.iter().map(|&(node, c, _)| (node, c)).collect();
        let (collateral, mut debt): (Vec<_>, Vec<_>) = (terms(&backing), terms(&owed));
        debt.push(last);
        let linear = |terms: Vec<(NodeId, Int)>| Linear { terms, constant: Int::ZERO };
        Compiled::Rows(vec![Form {
            backing: linear(collateral.clone()),
            requirement: linear(debt.clone()),
            slack: Linear { terms: Vec::new(), constant: Int::from(drawn.within(0, 1 << 24)) },
            scale: U256::ONE,
            collateral: linear(collateral),
            debt: linear(debt),
            ..Form::default()
        }])
    }

    fn sum(side: &[(NodeId, Int, u128)]) -> u128 {
        side.iter().map(|(_, _, worth)| worth).sum()
    }

    const NODES: usize = 9;

    fn world(layout: &Layout, values: &[u64]) -> World {
        let nodes: Vec<_> = values.iter().map(|&value| Ok(Node::exact(Int::from(value)))).collect();
        World::new(layout, [&nodes[..]])
    }

    /// A book of every width, most of it told by singles and some of it not.
    fn book(drawn: &mut Drawn, layout: &Layout, near: &[u64], scenarios: &[Vec<u64>]) -> Packed {
        let rows = MarketRows { market: 0, base: 1, epoch: Form::default().valid.epoch, quanta: 1e-16 };
        let mut packing = Packing::default();
        for width in 2..=NODES {
            let held = drawn.within(1, width as u64) as usize;
            for _ in 0..drawn.within(1, 30) {
                let line = &scenarios[drawn.within(0, scenarios.len() as u64) as usize];
                packing.push(&account(drawn, held, width, line), &rows).expect("few");
            }
        }
        packing.finish(&world(layout, near))
    }

    /// What is written for registers of any width is right at sixteen lanes: a tile that sixteen do not divide, accounts that
    /// are taken back, money, and all the rest give the bits of the definition, and of eight lanes.
    #[test]
    fn sixteen_lanes_give_the_bits_of_none() {
        let layout = Layout::new([NODES]).expect("few");
        let (mut below, mut sums) = (0, Money::default());
        for (seed, count) in (1..).zip([1, 7, 8, 9, 15, 16, 17, 24, 33, 40, 47, 48, 63, 64, 65, 70, 130]) {
            let mut drawn = Drawn(seed);
            let near: Vec<u64> = (0..NODES).map(|_| drawn.within(1 << 38, 1 << 40)).collect();
            let moved = |drawn: &mut Drawn| near.iter().map(|x| x / 1000 * drawn.within(700, 1300)).collect();
            let scenarios: Vec<Vec<u64>> = (0..count).map(|_| moved(&mut drawn)).collect();
            let packed = book(&mut drawn, &layout, &near, &scenarios);
            let worlds: Vec<World> = scenarios.iter().map(|values| world(&layout, values)).collect();
            for world in &worlds {
                assert_eq!(packed.screen(world, Path::Eight), packed.screen(world, Path::Portable));
            }
            let laid = Worlds::new(&worlds, &packed);
            for money in [false, true] {
                let plan = |path, prune| Plan { money, prune, pairs: false, path };
                let first = packed.sweep(&laid, plan(Path::Portable, false), &Threads::one());
                for (path, prune) in
                    [Path::Eight, Path::Sixteen].map(|path| [(path, false), (path, true)]).concat()
                {
                    let swept = packed.sweep(&laid, plan(path, prune), &Threads::one());
                    assert_eq!(swept, first, "{count} scenarios, {}, {prune}", path.name());
                }
                below += first.markets[0].below.iter().sum::<u64>();
                for money in &first.markets[0].money {
                    sums.shortfall += money.shortfall;
                    sums.collateral += money.collateral;
                }
            }
        }
        assert!(
            below > 10_000 && 0 < sums.shortfall && sums.shortfall < sums.collateral,
            "{below}, {sums:?}"
        );
    }
}
