"""Prints what tests/portfolio_book.rs expects of examples/options, from its files and the rule as docs/margin.md has it, with mpmath and nothing of
Plimsoll: python3 portfolio.py [MODEL.toml] > portfolio.txt

Each line: account, equity, initial, maintenance, loss on the worst days (currency, 12 digits), then for each underlying its name and the outcome
that binds with its scenario."""
import csv, sys, tomllib
from datetime import datetime
from pathlib import Path
from mpmath import mp, mpf, log, sqrt, ncdf, nstr
mp.dps = 50
root = Path(__file__).parents[4] / "examples" / "options"
at = lambda text: mpf(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())
book = tomllib.loads((root / "book.toml").read_text())
market = tomllib.loads((root / "markets" / "desk.toml").read_text())
model = tomllib.loads(Path(sys.argv[1] if len(sys.argv) > 1 else root / "models" / "desk.toml").read_text())
rows = lambda name: list(csv.DictReader((root / name).open()))
feeds = {row["feed"]: mpf(row["price"]) for row in rows("feeds.csv")}
vols = {(row["surface"], row["expiry"], row["strike"]): mpf(row["volatility"]) for row in rows("vols.csv")}
now = at(book["at"])
under = {one["underlying"]: one for one in market["underlyings"]}
forward = {(one["underlying"], one["expiry"]): feeds[one.get("feed", under[one["underlying"]]["feed"])] for one in market["expiries"]}
contracts = {one["contract"]: one for one in market["contracts"]}
assets = {one["asset"]: one for one in market["assets"]}
rate = lambda name, unsaid="0": mpf(model.get(name, unsaid))

scenarios = [(mpf(m), v, mpf(1), f"{m} {v}") for m in model.get("moves", []) for v in ("up", "same", "down")]
scenarios += [(mpf(s["move"]), s.get("vol", "same"), mpf(s.get("counts", "1")), f"{s['move']} {s.get('vol', 'same')}") for s in model.get("scenarios", [])]

def seconds(one):
    return at(one["expiry"]) - now if "expiry" in one else mpf(0)

def factor(one, vol):
    if vol == "same": return mpf(1)
    days = max(mpf(1), seconds(one) / 86400)
    power = rate("vol_power") if days <= 30 else rate("vol_power_beyond", model.get("vol_power", "0"))
    times = (30 / days) ** power
    return 1 + rate("vol_up") * times if vol == "up" else max(mpf(0), 1 - rate("vol_down") * times)

def price(one, moves, vol="same"):
    if "expiry" not in one:
        return feeds[one.get("feed", under[one["underlying"]]["feed"])] * (1 + moves)
    f = forward[one["underlying"], one["expiry"]] * (1 + moves)
    if "strike" not in one: return f
    k = mpf(one["strike"])
    s = vols[under[one["underlying"]]["surface"], one["expiry"], one["strike"]] * factor(one, vol) * sqrt(seconds(one) / 31536000)
    if s == 0: call = max(f - k, mpf(0))
    else:
        d1 = log(f / k) / s + s / 2
        call = f * ncdf(d1) - k * ncdf(d1 - s)
    return call if one["right"] == "call" else call - f + k

accounts = {}
for row in rows("positions.csv"):
    accounts.setdefault(row["account"], []).append((row["kind"], row["asset"], mpf(row["quantity"])))
for name, held in accounts.items():
    equity, moving, legs = mpf(0), [], {}
    for kind, what, amount in held:
        if kind in ("supply", "debt"):
            one = assets[what]
            value = amount * (feeds[one["feed"]] if "feed" in one else 1)
            haircut = mpf(one.get("haircut", "0"))
            equity += value * (1 - haircut) if kind == "supply" else -value * (1 + haircut)
            if "moves_with" in one: moving.append((one["moves_with"], value if kind == "supply" else -value))
        elif kind in ("paid", "received"):
            equity += amount if kind == "received" else -amount
        else:
            legs[what] = amount if kind == "long" else -amount
            equity += legs[what] * price(contracts[what], mpf(0))
    initial, lost, told = mpf(0), mpf(0), []
    for u in sorted({contracts[leg]["underlying"] for leg in legs}, key=list(under).index):
        mine = {leg: base for leg, base in legs.items() if contracts[leg]["underlying"] == u}
        def gain(moves, vol, of=mine):
            return sum(base * (price(contracts[leg], moves, vol) - price(contracts[leg], mpf(0))) for leg, base in of.items())
        carried = lambda moves: sum(value * moves for which, value in moving if which == u)
        outcomes = [(counts * (gain(m, vol) + carried(m)), said) for m, vol, counts, said in scenarios]
        basis = mpf(0)
        for expiry in {contracts[leg].get("expiry") for leg in mine}:
            of = {leg: base for leg, base in mine.items() if contracts[leg].get("expiry") == expiry}
            years = seconds(contracts[next(iter(of))]) / 31536000
            b = min(mpf(1), rate("basis") + rate("basis_per_year") * years)
            basis += min(mpf(0), gain(b, "same", of), gain(-b, "same", of))
        outcomes.append((basis, "basis"))
        worst, said = min(outcomes, key=lambda one: one[0])
        strikes = {}
        for leg, base in mine.items():
            one = contracts[leg]
            if "strike" in one: strikes[one["expiry"], one["strike"]] = strikes.get((one["expiry"], one["strike"]), mpf(0)) + base
        naked = sum(max(mpf(0), -net) for net in strikes.values())
        initial += max(mpf(0), -worst) + naked * feeds[under[u]["feed"]] * rate("short_options")
        days = [gain(mpf(d["move"]), d.get("vol", "same")) + carried(mpf(d["move"])) for d in model.get("worst_days", []) if d["underlying"] == u]
        lost += max(mpf(0), -min(days))
        told.append(f"{u} {said.replace(' ', '/')} {nstr(worst, 30)}")
    print(name, *(nstr(value, 30) for value in (equity, initial, initial * rate("maintenance", "1"), lost)), *told)
