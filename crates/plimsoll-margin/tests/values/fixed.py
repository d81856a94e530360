"""Prints the high-precision values that tests/fixed.rs compares with. mpmath 1.4.1: python3 fixed.py > fixed.txt

Each line: function, arguments in units of 1e-18, result in units of 1e-24 (six digits more than are computed)."""
import random
from mpmath import mp, mpf, exp, log, ncdf, npdf, nint, floor, power
mp.dps = 80
random.seed(7)
ONE = 10**18
def arg(v): return mpf(v) / ONE
def out(name, args, v): print(name, *args, int(nint(v * 10**24)))
for i in range(240):
    x = int(floor(mpf(i - 130) * mpf('0.3511') * ONE)) + random.randrange(-10**15, 10**15)
    if x < 46 * ONE: out('exp', [x], exp(arg(x)))
for x in [0, 1, -1, 693147180559945309, 693147180559945310, -693147180559945309, 45 * ONE, -41 * ONE, -42 * ONE, 10**9]:
    out('exp', [x], exp(arg(x)))
for i in range(240):
    a, b = (int(10 ** random.uniform(0, 37.5)) for _ in 'ab')
    if i % 3 == 0: b = max(1, a + random.randrange(-a // 50 - 1, a // 50 + 1))
    out('ln', [a, b], log(mpf(a) / b))
for a, b in [(1, 1), (2, 1), (1, 2), (2**127 - 1, 1), (1, 2**127 - 1), (10**36 + 1, 10**36), (1414213562373095048, ONE), (1414213562373095049, ONE)]:
    out('ln', [a, b], log(mpf(a) / b))
for name, f in (('normal', ncdf), ('density', npdf)):
    for i in range(-160, 161):
        x = int(floor(mpf(i) * mpf('0.0597') * ONE)) + random.randrange(-10**14, 10**14)
        out(name, [x], f(arg(x)))
    for x in [0, 1, -1, 5 * ONE, 5 * ONE + 1, -5 * ONE, -5 * ONE - 1, 94 * ONE // 10, 94 * ONE // 10 + 1, -94 * ONE // 10, 30 * ONE, -30 * ONE]:
        out(name, [x], f(arg(x)))
for i in range(120):
    a, b, e = random.randrange(1, 10**8), random.randrange(1, 10**8), random.randrange(-2 * ONE, 2 * ONE)
    v = power(mpf(a) / b, arg(e))
    if v < 10**6: out('power', [a, b, e], v)
