//! `plimsoll run`: an engine over a folder, commands in as JSON lines, answers out when they are durable.

mod answer;
mod ask;
mod found;
mod order;

use crate::args::RunArgs;
use crate::show::{errln, outln};
use crate::{check, exit};
pub(crate) use found::{beside, cleared, named};

use ask::{Asked, Bad};
use plimsoll_engine::Stamp;
use plimsoll_engine::engine::{Engine, Failure, Opened};
use plimsoll_engine::folder::Folder;
use plimsoll_engine::record::Request;
use plimsoll_io::lines::Said;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// At most so many lines are decided before one write and one sync.
const BATCH: usize = 4096;

pub(crate) fn run(args: &RunArgs) -> u8 {
    let clock = match args.at.as_deref().map(|text| (text, plimsoll_io::time::parse_stamp(text))) {
        None => Clock::Machine,
        Some((_, Some(at))) => Clock::Said(at),
        Some((text, None)) => {
            errln!("plimsoll: --at {text}: expected a time such as 2026-06-01T12:00:00Z, or nanoseconds");
            return exit::USAGE;
        }
    };
    // Before anything is founded: a file that is not there is a slip of usage.
    let (name, input) = match input(args.commands.as_deref()) {
        Ok(input) => input,
        Err(code) => return code,
    };
    let opened = match open(args, clock) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let mut desk = Desk::new(opened, clock, name, args.snapshot_every);
    let ran = desk.all(&lines(input));
    desk.end(ran)
}

/// Whose time it is.
#[derive(Clone, Copy)]
enum Clock {
    /// The machine's.
    Machine,
    /// What was said last.
    Said(Stamp),
}

impl Clock {
    fn now(self) -> Stamp {
        match self {
            Clock::Said(at) => at,
            Clock::Machine => machine_time(),
        }
    }
}

/// The machine's clock (ns of UTC).
pub(crate) fn machine_time() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

type Input = Box<dyn Read + Send>;

fn input(path: Option<&Path>) -> Result<(String, Input), u8> {
    match path {
        Some(path) if path != Path::new("-") => {
            let file = std::fs::File::open(path).map_err(|error| {
                errln!("plimsoll: {}: {error}", path.display());
                exit::USAGE
            })?;
            Ok((path.display().to_string(), Box::new(file)))
        }
        _ => Ok(("stdin".into(), Box::new(std::io::stdin()))),
    }
}

/// Lines as they come, each with its number; at most so many wait.
fn lines(input: Input) -> Receiver<std::io::Result<(u32, Vec<u8>)>> {
    let (send, receive) = sync_channel(BATCH);
    std::thread::spawn(move || {
        let mut input = BufReader::new(input);
        for number in 1.. {
            let mut line = Vec::new();
            // One byte more than a line may have tells that it has more.
            let most = plimsoll_io::lines::LINE_MAX as u64 + 2;
            let read = (&mut input).take(most).read_until(b'\n', &mut line);
            let sent = match read {
                Ok(0) => break,
                Ok(_) => {
                    if line.last() == Some(&b'\n') {
                        line.pop();
                    } else if line.len() as u64 == most && skip(&mut input).is_err() {
                        break;
                    }
                    send.send(Ok((number, line)))
                }
                Err(error) => {
                    let _ = send.send(Err(error)); // nobody listens any more
                    break;
                }
            };
            if sent.is_err() {
                break;
            }
        }
    });
    receive
}

/// The rest of a line that is too long.
fn skip(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let bytes = input.fill_buf()?;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(bytes.len(), |end| end + 1);
        let last = end.is_some() || bytes.is_empty();
        input.consume(taken);
        if last {
            return Ok(());
        }
    }
}

/// The engine of the folder, founded where there is none.
fn open(args: &RunArgs, clock: Clock) -> Result<(Opened<Folder>, Option<found::Founded>), u8> {
    let there = has_log(&args.data);
    let founded = match (there, args.book.as_deref().zip(args.config.as_deref())) {
        (true, Some(_)) => {
            errln!("plimsoll: {} has a log: --book and --config are for a new one", args.data.display());
            return Err(exit::USAGE);
        }
        (false, None) => {
            errln!("plimsoll: {} has no log: a new one needs --book and --config", args.data.display());
            return Err(exit::USAGE);
        }
        (true, None) => None,
        (false, Some((book, config))) => Some(found::found(&args.data, book, config)?),
    };
    let folder = Folder::open(&args.data).map_err(|trouble| failed(&Failure::Storage(trouble)))?;
    let at = match (&founded, clock) {
        // A new engine that lives by what is said begins when its book was made.
        (Some(founded), Clock::Said(at)) => at.max(founded.at),
        (_, clock) => clock.now(),
    };
    let opened = Engine::open(folder, plimsoll_engine::Settings::default(), plimsoll_io::venues(), at);
    let opened = opened.map_err(|failure| failed(&failure))?;
    told(&opened, founded.is_some());
    Ok((opened, founded))
}

/// Whether a folder has segments of a log.
pub(crate) fn has_log(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.path().extension().is_some_and(|kind| kind == "log"))
}

fn told(opened: &Opened<Folder>, is_new: bool) {
    let Opened { torn, unsound, replayed, .. } = opened;
    let what = if is_new { "founded" } else { "opened" };
    errln!("plimsoll: {what}: {} replayed", check::counted(*replayed, "record"));
    if let Some(torn) = torn {
        errln!(
            "plimsoll: {}: the last write had been cut short: {} cut off at byte {}; unless the disk lost what it had promised to keep, nobody had been told that it is done",
            torn.segment,
            check::counted(torn.lost, "byte"),
            torn.at
        );
    }
    for snapshot in unsound {
        errln!("plimsoll: {}: {}; it was passed over", snapshot.file, snapshot.why);
    }
}

/// Tells why an engine does not open, or goes no further; the exit code.
pub(crate) fn failed(failure: &Failure) -> u8 {
    errln!("plimsoll: {failure}");
    match failure {
        Failure::Damage(_) | Failure::Record { .. } | Failure::Unfit(_) => exit::FAULTY,
        Failure::Storage(trouble) if matches!(trouble.call, "lock" | "read" | "list") => exit::FAULTY,
        Failure::Storage(_) | Failure::Commit(_) | Failure::Stopped => exit::UNWRITTEN,
    }
}

/// An engine, and what waits to be made durable.
struct Desk {
    engine: Engine<Folder>,
    clock: Clock,
    /// What the input is called.
    name: String,
    snapshot_every: Option<u64>,
    stored: u64,
    waiting: Vec<(Asked, Stamp, Request)>,
    /// The latest time of any line.
    latest: Stamp,
    counted: [u64; 3],
}

/// Where the counts of [`Desk::counted`] stand.
const DONE: usize = 0;
const REFUSED: usize = 1;
const FAULTY: usize = 2;

impl Desk {
    fn new(
        (opened, founded): (Opened<Folder>, Option<found::Founded>),
        clock: Clock,
        name: String,
        snapshot_every: Option<u64>,
    ) -> Desk {
        let mut engine = opened.engine;
        // What was replayed, and that it was started, is in no snapshot.
        let stored = engine.log().next().saturating_sub(opened.replayed + 1);
        let clock = match (clock, &founded) {
            (Clock::Said(at), _) => Clock::Said(at.max(engine.state().now)),
            (machine, _) => machine,
        };
        let mut desk = Desk {
            engine,
            clock,
            name,
            snapshot_every,
            stored,
            waiting: Vec::new(),
            latest: 0,
            counted: [0; 3],
        };
        for request in founded.into_iter().flat_map(|founded| founded.prices) {
            let at = desk.clock.now();
            desk.waiting.push((Asked::Own, at, request));
        }
        // Whoever was to be told and was not is told again.
        desk.alerts(0);
        desk
    }

    /// Everything that comes, until nothing more does.
    fn all(&mut self, lines: &Receiver<std::io::Result<(u32, Vec<u8>)>>) -> Result<(), u8> {
        self.commit()?;
        while let Ok(first) = lines.recv() {
            let mut next = Some(first);
            let mut count = 0;
            while let Some(line) = next {
                let (number, line) = line.map_err(|error| {
                    errln!("plimsoll: {}: {error}", self.name);
                    exit::FAULTY
                })?;
                self.line(number, &line)?;
                count += 1;
                next = if count < BATCH { lines.try_recv().ok() } else { None };
            }
            self.commit()?;
        }
        Ok(())
    }

    fn line(&mut self, number: u32, line: &[u8]) -> Result<(), u8> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let mut read = self.read(number, line);
        // What looks something up has to see what was said before it.
        let looks = read.as_ref().map_or(true, |line| looks(&line.0.said));
        if looks && !self.waiting.is_empty() {
            self.commit()?;
            read = self.read(number, line);
        }
        let floor = self.engine.state().now.max(self.latest);
        let asked = read.and_then(|line| ask::request(self.engine.state(), line, self.clock, floor));
        match asked {
            Ok((makes, at, request)) => {
                self.latest = at.max(self.latest);
                if let Clock::Said(last) = &mut self.clock {
                    *last = at.max(*last);
                }
                self.waiting.push((Asked::Line { number, makes }, at, request));
            }
            Err(bad) => {
                self.counted[FAULTY] += 1;
                outln!("{}", answer::faulty(number, &bad));
            }
        }
        Ok(())
    }

    fn read(&self, number: u32, line: &[u8]) -> Result<(plimsoll_io::lines::Line, [u8; 32]), Bad> {
        ask::read(self.engine.state(), &self.name, number, line)
    }

    /// One write and one sync for all that waits, and then its answers.
    fn commit(&mut self) -> Result<(), u8> {
        let (asked, requests): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|(asked, at, request)| ((asked, request.id.clone()), (at, request)))
            .unzip();
        if requests.is_empty() {
            return Ok(());
        }
        let (first, alert) = (self.engine.log().next(), self.engine.state().counters[2]);
        let begun = Instant::now();
        let answers = self.engine.submit_each(requests).map_err(|failure| {
            errln!(
                "plimsoll: open the engine again and send again, under the same ids, what was not answered"
            );
            failed(&failure)
        })?;
        if matches!(self.clock, Clock::Machine) {
            self.engine.took(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        let mut seen = BTreeSet::new();
        for ((asked, id), answer) in asked.into_iter().zip(answers) {
            let again = answer.record < first || !seen.insert(answer.record);
            let Asked::Line { number, makes } = asked else { continue };
            self.counted[if answer.outcome.is_ok() { DONE } else { REFUSED }] += 1;
            let line = answer::answer(self.engine.state(), answer::Of { number, id, makes, again }, &answer);
            outln!("{line}");
        }
        self.alerts(alert);
        // Who cannot be answered is not decided for: what comes is left where it comes from.
        if crate::show::is_gone() {
            return Err(exit::UNWRITTEN);
        }
        self.snapshot()
    }

    /// Alerts from a number on that nobody was told.
    fn alerts(&self, from: u64) {
        for (number, raised) in self.engine.state().alerts.range(from..) {
            outln!("{}", answer::alert(self.engine.state(), *number, raised));
        }
    }

    fn snapshot(&mut self) -> Result<(), u8> {
        let next = self.engine.log().next();
        if self.snapshot_every.is_some_and(|every| next - self.stored >= every) {
            self.stored = self.engine.snapshot().map_err(|failure| failed(&failure))?;
        }
        Ok(())
    }

    /// Seals the log, says how many there were, and how everybody stands.
    fn end(mut self, ran: Result<(), u8>) -> u8 {
        let [done, refused, faulty] = self.counted;
        let commands = check::counted(done + refused + faulty, "command");
        let next = self.engine.log().next();
        errln!(
            "plimsoll: {commands}: {done} done, {refused} refused, {faulty} faulty; the next record is {next}"
        );
        let mut code = match ran {
            Err(code) => code,
            Ok(()) if faulty > 0 => exit::FAULTY,
            Ok(()) => stands(&self.engine),
        };
        if ran.is_ok()
            && let Err(failure) = self.engine.close()
        {
            code = failed(&failure);
        }
        code
    }
}

/// What is made from the state as it stands, and not only from what the line says; and what ends a proposal, whose impact is told while it
/// stands.
const fn looks(said: &Said) -> bool {
    matches!(
        said,
        Said::Positions { .. }
            | Said::Cells(_)
            | Said::Act { .. }
            | Said::Intend { .. }
            | Said::Propose(_)
            | Said::Approve(_)
            | Said::Reject(_)
    )
}

/// The exit code of the accounts as they stand.
fn stands(engine: &Engine<Folder>) -> u8 {
    let watch = engine.machine().watch();
    let mut unknown = false;
    for place in watch.owing() {
        match watch.below(place) {
            Some(true) => return exit::UNHEALTHY,
            Some(false) => {}
            None => unknown = true,
        }
    }
    if unknown { exit::UNKNOWN } else { exit::CALM }
}
