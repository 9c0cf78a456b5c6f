import { describe, expect, it } from 'vitest'
import { measure } from '../../bench/figures'
import { estimateMedian, isNarrow, judge } from '../../bench/statistics'

/** The numbers from 1 to `last`, in an order that is not sorted. */
const upTo = (last: number) => Array.from({ length: last }, (_, index) => ((index * 7) % last) + 1)

describe('the median and its interval', () => {
  // The ranks are those of the usual tables for the sign test.
  it.each([
    { runs: 6, median: 3.5, low: 1, high: 6 },
    { runs: 8, median: 4.5, low: 1, high: 8 },
    { runs: 9, median: 5, low: 2, high: 8 },
    { runs: 20, median: 10.5, low: 6, high: 15 },
    { runs: 100, median: 50.5, low: 40, high: 61 },
    { runs: 500, median: 250.5, low: 228, high: 273 },
  ])('has the right bounds for $runs measurements', (expected) => {
    expect(estimateMedian(upTo(expected.runs))).toEqual(expected)
  })

  it('is the range when there are fewer than six measurements', () => {
    expect(estimateMedian([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3, runs: 3 })
    expect(estimateMedian([7])).toEqual({ median: 7, low: 7, high: 7, runs: 1 })
  })

  it('does not move with an outlier', () => {
    const measurements = upTo(20)
    const outliers = measurements.map((figure) => (figure === 20 ? 1_000 : figure))
    expect(estimateMedian(outliers)).toEqual(estimateMedian(measurements))
  })

  it('contains the true median in 95 % of all samples', () => {
    let seed = 1
    // A generator of Lehmer's, so that each run of the test sees the same samples.
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const samples = Array.from({ length: 2_000 }, () =>
      estimateMedian(Array.from({ length: 15 }, () => -Math.log(random()))),
    )
    const hits = samples.filter(({ low, high }) => low <= Math.LN2 && Math.LN2 <= high)
    expect(hits.length).toBeGreaterThan(0.95 * samples.length)
    expect(hits.length).toBeLessThan(0.98 * samples.length)
  })
})

describe('the comparison with a target', () => {
  it.each([
    { name: 'reached when the whole interval is below', low: 0.9, high: 0.99, verdict: 'reached' },
    { name: 'reached when the interval ends at the target', low: 0.9, high: 1, verdict: 'reached' },
    { name: 'missed when the whole interval is above', low: 1.01, high: 1.1, verdict: 'missed' },
    {
      name: 'within noise when the interval contains the target',
      low: 0.9,
      high: 1.1,
      verdict: 'within noise',
    },
    {
      name: 'within noise when the interval begins at the target',
      low: 1,
      high: 1.1,
      verdict: 'within noise',
    },
  ])('is $name', ({ low, high, verdict }) => {
    expect(judge({ median: (low + high) / 2, low, high, runs: 9 }, 1)).toBe(verdict)
  })

  it.each([
    {
      name: 'is narrow within 2 % of the median',
      median: 1,
      low: 0.985,
      high: 1.015,
      target: 1,
      narrow: true,
    },
    { name: 'is wide beyond 2 % of the median', median: 1, low: 0.99, high: 1.03, target: 1, narrow: false },
    {
      name: 'is wide beyond 2 % on the lower side',
      median: 1,
      low: 0.97,
      high: 1.01,
      target: 1,
      narrow: false,
    },
    { name: 'is narrow far below the target', median: 0.1, low: 0.05, high: 0.15, target: 0.3, narrow: true },
    { name: 'is narrow far above the target', median: 2, low: 1.6, high: 2.4, target: 1, narrow: true },
  ])('$name', ({ narrow, target, ...interval }) => {
    expect(isNarrow({ ...interval, runs: 9 }, target)).toBe(narrow)
  })
})

describe('a measurement', () => {
  const line = { quantity: 'ms', what: 'a test', subject: 'test' } as const
  /** Returns the numbers one after another, and the last one for ever. The first is the warm-up. */
  const returning = (...numbers: number[]) => {
    const left = [0, ...numbers]
    return async () => ({ ms: (left.length > 1 ? left.shift() : left[0]) ?? NaN })
  }

  it('ends after six rounds when the interval is narrow', async () => {
    const [figure] = await measure({ 'rds-iam': returning(5) }, [{ ...line, unit: 'ms', target: 5 }], 600)
    expect(figure?.measured['rds-iam']).toEqual({ median: 5, low: 5, high: 5, runs: 6 })
    expect(figure?.verdict).toBe('reached')
  })

  it('adds rounds until the interval is narrow', async () => {
    const noisy = returning(9, 4, 6, 5, 5)
    const [figure] = await measure({ 'rds-iam': noisy }, [{ ...line, unit: 'ms', target: 5 }], 600)
    expect(figure?.measured['rds-iam']).toEqual({ median: 5, low: 5, high: 5, runs: 12 })
  })

  it('ends with a wide interval when the time is over', async () => {
    const noisy = returning(9, 4, 6, 5, 5)
    const [figure] = await measure({ 'rds-iam': noisy }, [{ ...line, unit: 'ms', target: 5 }], 0)
    expect(figure?.measured['rds-iam']).toEqual({ median: 5, low: 4, high: 9, runs: 6 })
    expect(figure?.verdict).toBe('within noise')
  })

  it('divides by the baseline in the same round', async () => {
    const contestants = { baseline: returning(1, 2, 4, 8, 16, 32), 'rds-iam': returning(2, 4, 8, 16, 32, 64) }
    const [figure] = await measure(contestants, [{ ...line, unit: '×', target: 1 }], 0)
    expect(figure?.measured).toEqual({ 'rds-iam': { median: 2, low: 2, high: 2, runs: 6 } })
    expect(figure?.verdict).toBe('missed')
  })

  it('subtracts the baseline in the same round when the unit is not a ratio', async () => {
    const contestants = { baseline: returning(1, 2, 4, 8, 16, 32), 'rds-iam': returning(3, 4, 6, 10, 18, 34) }
    const [figure] = await measure(contestants, [{ ...line, unit: 'ms', target: 5 }], 0)
    expect(figure?.measured).toEqual({ 'rds-iam': { median: 2, low: 2, high: 2, runs: 6 } })
  })

  it('divides by another contestant when the line asks for it', async () => {
    const contestants = { baseline: returning(1), 'rds-iam': returning(2), 'usual recipe': returning(4) }
    const [figure] = await measure(contestants, [{ ...line, unit: '×', over: 'usual recipe' }], 0)
    expect(figure?.measured).toEqual({ 'rds-iam': { median: 0.5, low: 0.5, high: 0.5, runs: 6 } })
    expect(figure?.verdict).toBeUndefined()
  })
})
