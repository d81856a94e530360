"""Prints the high-precision values that tests/black76.rs compares with. mpmath 1.4.1: python3 black76.py > black76.txt

Each line: forward, strike, volatility, discount (units of 1e-18), seconds, C or P, then price, delta, gamma and vega in units of 1e-24."""
import random
from mpmath import mp, mpf, log, sqrt, ncdf, npdf, nint
mp.dps = 80
random.seed(11)
ONE = 10**18
for i in range(400):
    F = int(10 ** random.uniform(-3, 5.2) * ONE)
    K = int(F * random.choice([1, random.uniform(0.9, 1.1), 10 ** random.uniform(-1.5, 1.5)]))
    if i % 20 == 0: K = F
    vol = int(random.choice([random.uniform(0.2, 1.5), 10 ** random.uniform(-6, 1.2)]) * ONE)
    disc = random.choice([ONE, int(random.uniform(0.5, 1.05) * ONE)])
    sec = random.choice([1, 60, 1800, random.randrange(1, 10**5), random.randrange(1, 10**8)])
    f, k, d = mpf(F) / ONE, mpf(K) / ONE, mpf(disc) / ONE
    s = mpf(vol) / ONE * sqrt(mpf(sec) / 31536000)
    d1 = log(f / k) / s + s / 2
    d2 = d1 - s
    call = d * (f * ncdf(d1) - k * ncdf(d2))
    right = random.choice('CP')
    price = call if right == 'C' else call - d * (f - k)
    delta = d * (ncdf(d1) if right == 'C' else -ncdf(-d1))
    values = [price, delta, d * npdf(d1) / f / s, d * f * npdf(d1)]
    print(F, K, vol, disc, sec, right, *(int(nint(v * 10**24)) for v in values))
