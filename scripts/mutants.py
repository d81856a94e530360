#!/usr/bin/env python3
"""Do the tests notice? Mutates the venues' arithmetic one place at a time and runs their tests.

usage: scripts/mutants.py [--file PART] [--tests NAME ...] [--limit N] [--jobs N] [--only ID ...] [--list] [--report FILE]

A mutant is one of
    rounding    Rounding::Down <-> Up, HalfUp -> Down, HalfUp -> Up, TowardZero -> Down, Up (also by bare name)
    compare     < <-> <=, > <-> >=, == <-> !=
    revision    a revision in a comparison, one earlier and one later
in a file under crates/plimsoll-venues/src; comments, attributes, strings and `mod tests` are left alone, and mutants of
code that only shows something (fmt, show_*) are labelled `display`.

All mutants of a run are built at once into a scratch copy of the tree, each behind a switch that the environment
variable PLIMSOLL_MUTANT turns on; so one build serves them all, and exactly one is on in each run of the tests. What
cannot stand behind a switch (patterns, constants) gets a build of its own. A mutant is killed when a test fails or does
not end in time. Results are kept in the scratch folder by the text they mutate: a run that was interrupted, or comes
after an edit, does only what is new (--fresh forgets them). The tree itself is never touched.
"""
import argparse, hashlib, json, os, re, shutil, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = "crates/plimsoll-venues/src"
FLIP = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
ROUND = {"Down": ["Up"], "Up": ["Down"], "HalfUp": ["Down", "Up"], "TowardZero": ["Down", "Up"]}
TOKEN = re.compile(r"""
    (?P<skip>\s+|//[^\n]*|/\*.*?\*/|\#!?\[(?:[^\[\]]|\[[^\]]*\])*\])
  | (?P<text>b?"(?:\\.|[^"\\])*"|'(?:\\.[^']*|[^'\\])'|'\w+)
  | (?P<word>[A-Za-z_]\w*|\d[\w.]*?(?=\W))
  | (?P<op><<=|>>=|\.\.=|\.\.\.|::|->|=>|&&|\|\||[-+*/%^&|]=|==|!=|<=|>=|<<|>>|\.\.|.)
""", re.X | re.S)
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")": "(", "]": "[", "}": "{"}
LEFT_END = set("&& || = += -= *= |= &= ; , ( [ { => if while match return in let else move | .. ..= : ->".split())
RIGHT_END = set("&& || ; , ) ] } { => else .. ..= |".split())


class Token:
    def __init__(self, text, start, kind):
        self.text, self.start, self.end, self.kind = text, start, start + len(text), kind


def tokens(source):
    found, at = [], 0
    while at < len(source):
        match = TOKEN.match(source, at)
        if match.lastgroup != "skip":
            found.append(Token(match.group(), at, match.lastgroup))
        at = match.end()
    stack = []
    for i, token in enumerate(found):
        token.partner = None
        if token.kind == "op" and token.text in OPEN:
            stack.append(i)
        elif token.kind == "op" and token.text in CLOSE and stack:
            token.partner, found[stack[-1]].partner = stack[-1], i
            stack.pop()
    return found


def left_operand(found, op):
    """The first token of what stands left of a comparison."""
    at, inside_if = op, False
    while at > 0:
        text = found[at - 1].text
        if text in (")", "]"):
            at = found[at - 1].partner
        elif text == "}":
            # A block belongs to the operand only where nothing but the operator or a dot follows it.
            if at != op and found[at].text not in (".", "?", "else"):
                return at
            at, inside_if = found[at - 1].partner, True
        elif inside_if and text in ("if", "match"):
            at, inside_if = at - 1, text == "if" and found[at - 2].text == "else"
        elif inside_if:
            at -= 1
        elif text in LEFT_END:
            return at
        else:
            at -= 1
    return at


def right_operand(found, op):
    """One past the last token of what stands right of a comparison."""
    at = op + 1
    while at < len(found) and found[at].text not in RIGHT_END:
        at = found[at].partner + 1 if found[at].text in OPEN else at + 1
    return at


def spans_to_skip(found):
    """Token ranges of `mod tests`, and of code that only shows something; constants and patterns have no switch."""
    tests, display, constant = [], [], []
    for i, token in enumerate(found[:-2]):
        if token.text == "mod" and found[i + 1].text == "tests" and found[i + 2].text == "{":
            tests.append((i, found[i + 2].partner))
        if token.text == "fn":
            body = next((j for j in range(i, len(found)) if found[j].text in ("{", ";")), None)
            if body is None or found[body].text == ";":
                continue
            if found[i + 1].text == "fmt" or found[i + 1].text.startswith("show_"):
                display.append((i, found[body].partner))
            if found[i - 1].text == "const":
                constant.append((i, found[body].partner))
        if token.text in ("const", "static") and found[i + 1].text != "fn" and found[i - 1].text not in ("*", "<", ","):
            end = next(j for j in range(i, len(found)) if found[j].text == ";" and found[j].kind == "op")
            if all(t.text not in ("fn", "|") for t in found[i:end]):
                constant.append((i, end))
    return tests, display, constant


class Mutant:
    def __init__(self, path, source, start, end, becomes, kind, label, switch):
        self.path, self.start, self.end, self.becomes = path, start, end, becomes
        self.kind, self.label, self.switch = kind, label, switch
        self.line = source.count("\n", 0, start) + 1
        whole = source[source.rfind("\n", 0, start) + 1:]
        self.text = whole[:whole.find("\n")].strip()
        self.was = source[start:end]
        before = source[max(0, start - 200):start]
        digest = hashlib.sha256((path + before + source[start:end + 80] + becomes).encode()).hexdigest()
        self.key = digest[:12]
        self.operands = None

    def name(self):
        return f"{self.path.removeprefix(SOURCE + '/')}:{self.line} {self.was} -> {self.becomes}"


def mutants_of(path, source):
    found = tokens(source)
    tests, display, constant = spans_to_skip(found)
    inside = lambda i, spans: any(a <= i <= b for a, b in spans)
    out = []
    for i, token in enumerate(found):
        if inside(i, tests) or token.kind == "text":
            continue
        label = "display" if inside(i, display) else "code"
        spaced = source[token.start - 1:token.start].isspace() and source[token.end:token.end + 1].isspace()
        if token.kind == "op" and token.text in FLIP and spaced:
            first, last = left_operand(found, i), right_operand(found, i)
            sides = [t.text for t in found[first:last]]
            if "Revision" in sides:
                continue  # the neighbour on that side is a mutant of its own
            mutant = Mutant(path, source, token.start, token.end, FLIP[token.text], "compare", label,
                            not inside(i, constant))
            mutant.operands = (found[first].start, found[i - 1].end, found[i + 1].start, found[last - 1].end)
            out.append(mutant)
        if token.text in ROUND and found[i - 1].text != "::" and not imported(found, i):
            pattern = found[i + 1].text in ("=>", "|") or found[i - 1].text == "|"
            for other in ROUND[token.text]:
                text = "plimsoll_core::Rounding::" + other
                out.append(Mutant(path, source, token.start, token.end, text, "rounding", label,
                                  not pattern and not inside(i, constant)))
        if token.text in ("Rounding", "Revision") and found[i + 1].text == "::" and not imported(found, i):
            value = found[i + 2].text
            if token.text == "Rounding":
                becomes, kind = ROUND.get(value, []), "rounding"
            else:
                release = re.fullmatch(r"V(\d+)_(\d+)", value)
                if not release or inside_list(found, i):
                    continue
                major, minor = int(release[1]), int(release[2])
                becomes = [f"V{major}_{m}" for m in (minor - 1, minor + 1) if 0 <= m <= 7]
                kind = "revision"
            # A pattern stands before `=>`, `|`, `if` or after `|`; a path in a call or comparison does not.
            after, before = found[i + 3].text, found[i - 1].text
            if before == "plimsoll_core" or found[i - 1].text == "::":
                start = found[i - 2].start
                before = found[i - 3].text
            else:
                start = token.start
            pattern = before not in FLIP and (after in ("=>", "|") or (before == "|" and after in (")", ",")))
            for other in becomes:
                text = source[start:token.end] + "::" + other
                out.append(Mutant(path, source, start, found[i + 2].end, text, kind, label,
                                  not pattern and not inside(i, constant)))
    return out


def imported(found, i):
    """Whether the token stands in a `use`."""
    while i > 0 and found[i].text not in (";", "use"):
        i -= 1
    return found[i].text == "use"


def inside_list(found, i):
    """The list of all revisions itself, and names: `[ Revision::A, Revision::B, … ]`."""
    return found[i - 1].text in ("[", ",") and found[i + 3].text in (",", "]")


def render(source, switched, numbers, start, end):
    """The source from start to end with every mutant behind its switch."""
    regions = {}
    for m in switched:
        a, b = (m.operands[0], m.operands[3]) if m.operands else (m.start, m.end)
        if start <= a and b <= end:
            regions.setdefault((a, b, m.start), []).append(m)
    out, at = [], start
    for (a, b, _), group in sorted(regions.items(), key=lambda item: (item[0][0], -item[0][1])):
        if a < at:
            continue  # inside a region that is rendered with its operands
        out.append(source[at:a])
        m = group[0]
        if m.operands:
            rest = [x for x in switched if x not in group]
            left = render(source, rest, numbers, m.operands[0], m.operands[1])
            right = render(source, rest, numbers, m.operands[2], m.operands[3])
            out.append(f"(if crate::mutant::on({numbers[m.key]}) {{ {left} {m.becomes} {right} }} "
                       f"else {{ {left} {m.was} {right} }})")
        else:
            branches = "".join(f"if crate::mutant::on({numbers[x.key]}) {{ {x.becomes} }} else " for x in group)
            out.append(f"({branches}{{ {m.was} }})")
        at = b
    out.append(source[at:end])
    return "".join(out)


SWITCH = """
extern crate std;
/// Which mutant is on.
pub mod mutant {
    /// Whether this one is.
    #[inline(never)]
    pub fn on(number: u32) -> bool {
        static ON: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
        let read = || std::env::var("PLIMSOLL_MUTANT").ok().and_then(|on| on.parse().ok()).unwrap_or(0);
        *ON.get_or_init(read) == number
    }
}
"""


class Build:
    def __init__(self, scratch, packages, tests, first):
        self.tree, self.target = os.path.join(scratch, "tree"), os.path.join(scratch, "target")
        self.packages, self.tests, self.first = packages, tests, first

    def copy(self):
        """Brings the copy up to date; files that did not change keep their time stamps."""
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True,
                                capture_output=True, check=True).stdout.split("\n")
        for name in filter(None, listed):
            self.put(name, open(os.path.join(ROOT, name), "rb").read())

    def put(self, name, content):
        path = os.path.join(self.tree, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.exists(path) or open(path, "rb").read() != content:
            with open(path, "wb") as file:
                file.write(content)

    def cargo(self):
        """Builds the tests: (test programs, error places) with one of the two empty."""
        command = ["cargo", "test", "--no-run", "--message-format=json", "--offline"]
        for package in self.packages:
            command += ["-p", package]
        if self.tests:  # test programs that cannot reach what is mutated cost a build and a run, and kill nothing
            command += ["--lib"] + [part for name in self.tests for part in ("--test", name)]
        env = dict(os.environ, CARGO_TARGET_DIR=self.target, CARGO_PROFILE_TEST_DEBUG="0", CARGO_INCREMENTAL="1")
        run = subprocess.run(command, cwd=self.tree, env=env, text=True, capture_output=True)
        programs, errors = [], []
        for line in run.stdout.splitlines():
            message = json.loads(line) if line.startswith("{") else {}
            if message.get("executable") and message.get("profile", {}).get("test"):
                programs.append(message["executable"])
            report = message.get("message") or {}
            if isinstance(report, dict) and report.get("level") == "error":
                errors += [(s["file_name"], s["line_start"]) for s in report.get("spans", [])]
        if run.returncode != 0 and not errors:
            sys.exit(run.stderr[-3000:])
        programs.sort(key=lambda program: self.first not in os.path.basename(program))  # who kills most goes first
        return (programs, []) if run.returncode == 0 else ([], errors)


def run_tests(programs, number, stages, seconds, skipped=()):
    """The first test that fails with a mutant on; `None` where all pass."""
    skip = [part for name in skipped for part in ("--skip", name)]
    for cases in stages:
        env = dict(os.environ, PLIMSOLL_MUTANT=str(number), PLIMSOLL_CASES=cases, PLIMSOLL_SHRINK="0",
                   RUST_BACKTRACE="0")
        for program in programs:
            try:
                run = subprocess.run([program, "--test-threads=1", *skip], env=env, text=True, capture_output=True,
                                     timeout=seconds, cwd=os.path.dirname(program))
            except subprocess.TimeoutExpired:
                return "no end"
            if run.returncode != 0:
                failed = re.findall(r"^test (\S+) \.\.\. FAILED", run.stdout, re.M)
                failed += re.findall(r"^    (\S+)$", run.stdout, re.M)
                return failed[0] if failed else "aborted"
    return None


def main():
    args = argparse.ArgumentParser(description="mutation test of the venues")
    args.add_argument("--file", default="", help="only files whose path has this in it, such as aave_v3")
    args.add_argument("--limit", type=int, help="at most so many mutants that have no result yet")
    args.add_argument("--jobs", type=int, default=1)
    args.add_argument("--only", nargs="*", help="only mutants of these ids, whatever was found before")
    args.add_argument("--list", action="store_true", help="list the mutants and stop")
    args.add_argument("--fresh", action="store_true", help="forget earlier results")
    args.add_argument("--retry", action="store_true", help="run survivors again")
    args.add_argument("--scratch", default=os.path.join(os.environ.get("TMPDIR", "/tmp"), "plimsoll-mutants"))
    args.add_argument("--packages", nargs="*", default=["plimsoll-venues", "plimsoll-io"])
    args.add_argument("--tests", nargs="*", default=[], help="only these test programs and the libraries' own tests")
    args.add_argument("--stages", nargs="*", default=["1/64", "1/4"], help="PLIMSOLL_CASES of each pass")
    args.add_argument("--timeout", type=int, default=300, help="seconds for one test program")
    args.add_argument("--report", default=None, help="write the results as JSON here")
    args = args.parse_args()

    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", SOURCE], cwd=ROOT, text=True,
                            capture_output=True, check=True).stdout.split()
    sources = {p: open(os.path.join(ROOT, p)).read() for p in listed if p.endswith(".rs") and args.file in p}
    mutants = [m for path, source in sources.items() for m in mutants_of(path, source)]
    if args.list:
        for m in mutants:
            print(m.key, m.kind, m.label, "" if m.switch else "(own build)", m.name())
        print(len(mutants), "mutants")
        return

    os.makedirs(args.scratch, exist_ok=True)
    store = os.path.join(args.scratch, "results.json")
    results = {} if args.fresh or not os.path.exists(store) else json.load(open(store))
    again = lambda m: args.only and m.key in args.only or args.retry and results.get(m.key, {}).get("state") == "survived"
    todo = [m for m in mutants if (m.key in args.only if args.only else m.key not in results or again(m))]
    todo = todo[:args.limit] if args.limit else todo

    def note(m, state, by=None):
        results[m.key] = {"state": state, "by": by, "kind": m.kind, "label": m.label, "file": m.path, "line": m.line,
                          "was": m.was, "becomes": m.becomes, "text": m.text}
        with open(store + ".new", "w") as file:
            json.dump(results, file, indent=1)
        os.replace(store + ".new", store)
        print(f"{state:14} {m.key} {m.name()}" + (f"   [{by}]" if by else ""), flush=True)

    build = Build(args.scratch, args.packages, args.tests, args.file)
    build.copy()
    library = SOURCE + "/lib.rs"
    build.put(library, (open(os.path.join(ROOT, library)).read() + SWITCH).encode())
    switched, skipped = [m for m in todo if m.switch], []
    while switched:
        numbers = {m.key: i + 1 for i, m in enumerate(switched)}
        lines = {}
        for path, source in sources.items():
            here = [m for m in switched if m.path == path]
            text = render(source, here, numbers, 0, len(source))
            if path == library:
                text += SWITCH
            build.put(path, text.encode())
            for number, line in enumerate(text.split("\n"), 1):
                for found in re.findall(r"mutant::on\((\d+)\)", line):
                    lines.setdefault((path, number), []).append(int(found))
        programs, errors = build.cargo()
        if programs:
            break
        wrong = {n for place in errors for n in lines.get(place, [])}
        if not wrong:
            sys.exit(f"the copy does not build: {errors[:5]}")
        print(f"{len(wrong)} mutants cannot stand behind a switch", flush=True)
        for m in switched:
            m.switch = numbers[m.key] not in wrong
        switched = [m for m in switched if m.switch]
    if switched:
        began = time.time()
        # Tests that fail already would kill every mutant.
        while (broken := run_tests(programs, 0, args.stages, args.timeout, skipped)) is not None:
            if broken in skipped or "::" not in broken:
                sys.exit(f"without any mutant: {broken}")
            print(f"left out, for it fails without any mutant: {broken}", flush=True)
            skipped.append(broken)
        print(f"{len(switched)} mutants in one build; one pass takes {time.time() - began:.1f} s", flush=True)

        def one(m):
            by = run_tests(programs, numbers[m.key], args.stages, args.timeout, skipped)
            return m, by

        with ThreadPoolExecutor(args.jobs) as pool:
            for m, by in pool.map(one, switched):
                note(m, "killed" if by else "survived", by)

    for path, source in sources.items():  # back to the plain text, then one build each
        build.put(path, (source + (SWITCH if path == library else "")).encode())
    for m in [m for m in todo if not m.switch]:
        source = sources[m.path]
        build.put(m.path, (source[:m.start] + m.becomes + source[m.end:]).encode())
        programs, _ = build.cargo()
        by = run_tests(programs, 0, args.stages, args.timeout, skipped) if programs else None
        note(m, "not compiling" if not programs else "killed" if by else "survived", by)
        build.put(m.path, source.encode())

    known = [(m, results[m.key]) for m in mutants if m.key in results]
    count = lambda state, label=None: sum(r["state"] == state and label in (None, r["label"]) for _, r in known)
    tried = count("killed") + count("survived")
    print(f"\n{len(mutants)} mutants: {count('killed')} killed, {count('survived')} survived "
          f"({count('survived', 'display')} of them only displayed), {count('not compiling')} not compiling, "
          f"{len(mutants) - len(known)} not run; {100 * count('killed') / max(1, tried):.1f} % killed")
    for m, r in known:
        if r["state"] == "survived":
            print(f"  survived {m.key} {r['kind']} {r['label']} {m.name()}\n           {m.text}")
    if args.report:
        with open(args.report, "w") as file:
            json.dump([dict(r, id=m.key) for m, r in known], file, indent=1)


if __name__ == "__main__":
    main()
