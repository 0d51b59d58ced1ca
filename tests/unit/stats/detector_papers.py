"""The detectors of change written a second time, from their papers, for comparison with the library.

Nothing is kept that can be had from the stream again: each step looks at all values since the
detector began. `update` returns NONE, WARNING or DRIFT, and `age` holds after DRIFT how many of the
values seen so far came after the estimated change.
"""
import math

import numpy as np
from scipy import stats

NONE, WARNING, DRIFT = range(3)
UP, BOTH = range(2)


class Adwin:
    """Bifet and Gavalda (2007): "whenever two large enough subwindows exhibit distinct enough
    averages, the older portion of the window is dropped". The window itself is kept, with the
    boundaries of the exponential histogram, and every boundary is checked on the raw values.
    """

    def __init__(self, delta=0.002, clock=32, most=5, min_window=10, min_side=5):
        self.delta, self.clock, self.most = delta, clock, most
        self.min_window, self.min_side = min_window, min_side
        self.values, self.buckets, self.seen, self.age = [], [], 0, 0

    def add(self, x):
        self.values.append(x)
        self.buckets.append(1)
        size = 1
        while self.buckets.count(size) > self.most:
            oldest = self.buckets.index(size)
            self.buckets[oldest:oldest + 2] = [2 * size]
            size *= 2

    def bound(self, n0, n1, variance):
        m = 1 / (1 / n0 + 1 / n1)
        delta = self.delta / math.log(n0 + n1)
        return math.sqrt(2 / m * variance * math.log(2 / delta)) + 2 / (3 * m) * math.log(2 / delta)

    def cuts(self):
        """(difference as a factor of the bound, younger side) where it is exceeded."""
        n = len(self.values)
        if n <= self.min_window:
            return []
        variance = float(np.var(self.values))
        below = np.concatenate([[0], np.cumsum(self.values)])
        found = []
        for n0 in np.cumsum(self.buckets)[:-1].tolist():
            n1 = n - n0
            if min(n0, n1) >= self.min_side:
                apart = abs(below[n0] / n0 - (below[n] - below[n0]) / n1)
                found.append((apart / self.bound(n0, n1, variance), n1))
        return [cut for cut in found if cut[0] > 1]

    def update(self, x):
        self.add(x)
        self.seen += 1
        state = NONE
        while self.seen % self.clock == 0 and (cuts := self.cuts()):
            if state == NONE:
                self.age = max(cuts)[1]
            del self.values[:self.buckets.pop(0)]
            state = DRIFT
        return state

    def mean(self):
        return math.fsum(self.values) / len(self.values)


class Starting:
    """Starts again after drift, and knows where the running warning began."""

    def __init__(self, direction=UP):
        self.direction, self.age = direction, 0
        self.restart()

    def restart(self):
        self.values, self.states = [], []
        self.begin()

    def begin(self):
        pass

    def update(self, x):
        self.values.append(x)
        state = self.judge()
        self.states.append(state)
        if state == DRIFT:
            self.age = self.drift_age()
            self.restart()
        return state

    def drift_age(self):
        age = 0
        while age < len(self.states) and self.states[-1 - age] != NONE:
            age += 1
        return age


class Ddm(Starting):
    """Gama et al. (2004), section 3: p_i + s_i against p_min + 2 s_min and p_min + 3 s_min."""

    def begin(self):
        self.low = math.inf, math.inf

    def judge(self):
        n = len(self.values)
        p = sum(self.values) / n
        s = math.sqrt(p * (1 - p) / n)
        if n < 30:
            return NONE
        p_min, s_min = self.low = min((p, s), self.low, key=sum)
        if p + s > p_min + 3 * s_min:
            return DRIFT
        return WARNING if p + s > p_min + 2 * s_min else NONE


class Eddm(Starting):
    """Baena-Garcia et al. (2006), section 3: (p' + 2 s') / (p'_max + 2 s'_max) against 0.95, 0.9."""

    def begin(self):
        self.longest, self.state = 0, NONE

    def judge(self):
        if self.values[-1] == 0:
            return self.state
        places = np.flatnonzero(self.values) + 1
        distances = np.diff(places, prepend=0)
        reach = distances.mean() + 2 * distances.std()
        self.state = NONE
        if len(self.values) >= 30:
            self.longest = max(self.longest, reach)
            share = reach / self.longest
            if len(places) > 30 and share < 0.95:
                self.state = DRIFT if share < 0.9 else WARNING
        return self.state


class Sided(Starting):
    """Rises, and falls when asked for. Each side finds a state and the values after its cut."""

    def judge(self):
        self.take()
        found = [self.side(sign) for sign in ((1,) if self.direction == UP else (1, -1))]
        state = max(state for state, _ in found)
        self.since = next(age for s, age in found if s == state)
        return state

    def take(self):
        pass

    def drift_age(self):
        return self.since


class HddmA(Sided):
    """Frias-Blanco et al. (2014), A-test: corollary 3 on the cut where the Hoeffding bound of the
    mean of the first values was lowest (for falls, highest)."""

    def side(self, sign):
        n = len(self.values)
        count = np.arange(1, n + 1)
        means = np.cumsum(self.values) / count
        bounds = sign * means + np.sqrt(math.log(1 / 0.001) / (2 * count))
        cut = n - 1 - int(np.argmin(bounds[::-1]))
        k = cut + 1
        if k == n:
            return NONE, 0
        apart = sign * (means[-1] - means[cut])
        for confidence, state in ((0.001, DRIFT), (0.005, WARNING)):
            if apart >= math.sqrt((n - k) / (k * n) / 2 * math.log(2 / confidence)):
                return state, n - k
        return NONE, 0


class HddmW(Sided):
    """Frias-Blanco et al. (2014), W-test: McDiarmid's bound on exponentially weighted means before
    and after the cut where the bound of the first was lowest (for falls, highest)."""

    LAMBDA = 0.05

    def begin(self):
        self.history, self.after, self.bounds = [], {1: {}, -1: {}}, {1: [], -1: []}

    def extend(self, pair, x):
        mean, squares = pair
        return (self.LAMBDA * x + (1 - self.LAMBDA) * mean,
                self.LAMBDA ** 2 + (1 - self.LAMBDA) ** 2 * squares)

    def take(self):
        x = self.values[-1]
        self.history.append(self.extend(self.history[-1], x) if self.history else (x, 1.0))

    def drift_age(self):
        return Starting.drift_age(self)

    def side(self, sign):
        n = len(self.values)
        bounds, (mean, squares) = self.bounds[sign], self.history[-1]
        bounds.append(sign * mean + math.sqrt(squares * math.log(1 / 0.001) / 2))
        cut = bounds.index(min(bounds))
        if cut == n - 1:
            return NONE, None
        known = self.after[sign].get(cut)  # kept from the step before, when the cut has not moved
        after = self.extend(known, self.values[-1]) if known else (self.values[-1], 1.0)
        self.after[sign] = {cut: after}
        apart = sign * (after[0] - self.history[cut][0])
        for confidence, state in ((0.001, DRIFT), (0.005, WARNING)):
            weight = self.history[cut][1] + after[1]
            if apart > math.sqrt(weight * math.log(1 / confidence) / 2):
                return state, None
        return NONE, None


class PageHinkley(Starting):
    """Page (1954): m_T, the sum of x_t - mean_t - delta, against its minimum; faded as in Gama et
    al. (2013)."""

    def begin(self):
        self.mean, self.sums = 0.0, {1: [0.0], -1: [0.0]}

    def judge(self):
        n, x = len(self.values), self.values[-1]
        self.mean += (x - self.mean) / n
        state = NONE
        for sign in ((-1, 1) if self.direction == BOTH else (1,)):
            sums = self.sums[sign]
            sums.append(0.9999 * sums[-1] + (sign * (x - self.mean) - 0.005))
            lowest = min(sums)
            if n >= 30 and sums[-1] - lowest > 50:
                state = DRIFT
                self.since = sums[::-1].index(lowest)
        return state

    def drift_age(self):
        return self.since


def splitmix64(seed, position):
    mask = 2 ** 64 - 1
    z = (seed + (position + 1) * 0x9e3779b97f4a7c15) & mask
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & mask
    z = (z ^ z >> 27) * 0x94d049bb133111eb & mask
    return z ^ z >> 31


class Kswin:
    """Raab et al. (2020), algorithm 1: the newest r values against r drawn from those before."""

    known_p = {}

    def __init__(self, seed=0, alpha=0.005, window=100, r=30):
        self.seed, self.alpha, self.window, self.r = seed, alpha, window, r
        self.values, self.count, self.age = [], 0, r

    def draw(self):
        """Steps of a Fisher-Yates shuffle."""
        order = list(range(self.window - self.r))
        for i in range(self.r):
            bits = splitmix64(self.seed, self.count * self.r + i) >> 32
            j = i + (bits * (len(order) - i) >> 32)
            order[i], order[j] = order[j], order[i]
        return order[:self.r]

    def p_value(self, k, a, b):
        if k not in self.known_p:
            self.known_p[k] = stats.ks_2samp(a, b, method="exact").pvalue
        return self.known_p[k]

    def update(self, x):
        self.count += 1
        self.values = [*self.values, x][-self.window:]
        if len(self.values) < self.window:
            return NONE
        drawn = np.sort([self.values[i] for i in self.draw()])
        recent = np.sort(self.values[-self.r:])
        points = np.concatenate([drawn, recent])
        apart = np.searchsorted(drawn, points, "right") - np.searchsorted(recent, points, "right")
        k = int(np.max(np.abs(apart)))
        if k / self.r > 0.1 and self.p_value(k, drawn, recent) <= self.alpha:
            self.values = self.values[-self.r:]
            return DRIFT
        return NONE


def make(name, direction=UP, seed=0):
    if name == "adwin":
        return Adwin()
    if name == "kswin":
        return Kswin(seed)
    return {"ddm": Ddm, "eddm": Eddm, "hddm_a": HddmA, "hddm_w": HddmW,
            "page_hinkley": PageHinkley}[name](direction)
