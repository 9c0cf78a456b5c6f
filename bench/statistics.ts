/** The median of several measurements, and the 95 % confidence interval of the median. */
export interface Estimate {
  median: number
  low: number
  high: number
  runs: number
}

/** How a figure compares with the most that it may be. */
export type Verdict = 'reached' | 'missed' | 'within noise'

/** An interval this close to its median, as a share of it, is narrow enough. */
const PRECISION = 0.02

/**
 * Estimates the median, whatever the distribution: the bounds are the k-th smallest and the k-th largest measurement.
 * Fewer than six measurements are too few for 95 %; their interval is their range.
 */
export function estimateMedian(measurements: readonly number[]): Estimate {
  const sorted = measurements.toSorted((a, b) => a - b)
  const runs = sorted.length
  const at = (rank: number) => sorted[rank - 1] ?? NaN
  const rank = rankOfBounds(runs)
  return {
    median: (at(Math.ceil(runs / 2)) + at(Math.floor(runs / 2) + 1)) / 2,
    low: at(rank),
    high: at(runs + 1 - rank),
    runs,
  }
}

/** The largest k for which at least k of n measurements are on each side of the true median, with 95 % probability. */
function rankOfBounds(runs: number): number {
  // Each measurement is below the true median with probability 1/2, like the toss of a coin.
  let exactly = 0.5 ** runs
  let atMost = exactly
  let rank = 0
  while (atMost <= 0.025) {
    rank++
    exactly *= (runs + 1 - rank) / rank
    atMost += exactly
  }
  return Math.max(rank, 1)
}

/** Compares an interval with a target: a target inside the interval cannot be told from noise. */
export function judge({ low, high }: Estimate, target: number): Verdict {
  return high <= target ? 'reached' : low > target ? 'missed' : 'within noise'
}

/** Whether an interval is narrow, absolutely or compared with its distance from the target. */
export function isNarrow({ median, low, high }: Estimate, target: number): boolean {
  const width = Math.max(high - median, median - low)
  return width <= Math.max(PRECISION * Math.abs(median), Math.abs(target - median) / 2)
}
