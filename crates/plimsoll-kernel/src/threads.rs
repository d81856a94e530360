//! Threads that stay.

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Who does the work: this thread, or some that wait for it.
#[derive(Debug, Default)]
pub struct Threads(Option<ThreadPool>);

impl Threads {
    /// This thread alone.
    #[must_use]
    pub const fn one() -> Threads {
        Threads(None)
    }

    /// So many threads; one is this thread.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn new(count: usize) -> Result<Threads, ThreadPoolBuildError> {
        if count <= 1 {
            return Ok(Threads::one());
        }
        ThreadPoolBuilder::new().num_threads(count).build().map(|pool| Threads(Some(pool)))
    }

    /// Takes every item, each thread into what it made for itself, which is then finished; and joins what the threads have. The
    /// answer depends on who took what only where `join` and `take` do.
    pub(crate) fn fold<Item: Send, Found: Send>(
        &self,
        items: Vec<Item>,
        fresh: impl Fn() -> Found + Sync + Send,
        take: impl Fn(Found, Item) -> Found + Sync + Send,
        finished: impl Fn(Found) -> Found + Sync + Send,
        join: impl Fn(Found, Found) -> Found + Sync + Send,
    ) -> Found {
        match &self.0 {
            None => finished(items.into_iter().fold(fresh(), take)),
            Some(pool) => pool.install(|| {
                let found = items.into_par_iter().fold(&fresh, take).map(finished);
                found.reduce(&fresh, join)
            }),
        }
    }
}
