//! Many independent cases on a few threads.

use std::thread::scope;

/// How many threads.
pub(crate) const THREADS: u64 = 2;

/// Every number's case, on [`THREADS`] threads. A thread that died has one case, and that is `died`.
pub(crate) fn each<Case: Send>(
    numbers: u64,
    one: impl Fn(u64) -> Case + Sync,
    died: impl Fn() -> Case,
) -> Vec<Case> {
    scope(|scope| {
        let one = &one;
        let part = |thread: u64| move || (thread..numbers).step_by(THREADS as usize).map(one).collect();
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(part(thread))).collect();
        let parts = threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|_| vec![died()]));
        parts.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_there_and_a_death_is_told() {
        let mut seen = each(7, |number| number, || 99);
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
        let told = each(4, |number| if number == 1 { panic!("for the test") } else { number }, || 99);
        assert!(told.contains(&99) && told.contains(&2), "{told:?}");
    }
}
