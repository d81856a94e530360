//! How far a long job is, on a terminal and nowhere else.

use crate::show;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two looks at the counter.
const PACE: Duration = Duration::from_millis(100);
/// Nothing is shown of what takes no longer than this.
const PATIENCE: Duration = Duration::from_millis(500);

/// A counter on stderr.
pub(crate) struct Progress {
    what: &'static str,
    all: u64,
    /// When it is shown next; `None` where nobody looks.
    next: Option<Instant>,
    shown: bool,
}

impl Progress {
    /// Of so many things.
    pub(crate) fn new(what: &'static str, all: u64) -> Progress {
        let next = std::io::stderr().is_terminal().then(|| Instant::now() + PATIENCE);
        Progress { what, all, next, shown: false }
    }

    /// So many are done.
    pub(crate) fn at(&mut self, done: u64) {
        let Some(next) = self.next else { return };
        let now = Instant::now();
        if now < next {
            return;
        }
        self.next = Some(now + PACE);
        self.shown = true;
        show::tell(format_args!("\r{}\u{1b}[K", line(self.what, done, self.all)));
    }
}

/// The line is gone when the job is done.
impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            show::tell(format_args!("\r\u{1b}[K"));
        }
    }
}

fn line(what: &str, done: u64, all: u64) -> String {
    let percent = u128::from(done) * 100 / u128::from(all.max(1));
    let [done, all] = [done, all].map(|count| show::grouped(&count.to_string()));
    format!("{done} of {all} {what}, {percent} %")
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_counter_says_how_far_it_is() {
        assert_eq!(line("rows", 1_234_567, 4_000_000), "1 234 567 of 4 000 000 rows, 30 %");
        assert_eq!(line("rows", 0, 0), "0 of 0 rows, 0 %");
    }
}
