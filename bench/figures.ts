import { estimateMedian, isNarrow, judge, type Estimate, type Verdict } from './statistics'

/** The names of the compared logins. */
export type Contestant = 'rds-iam' | 'usual recipe' | 'AWS wrapper' | 'DSQL connector' | 'baseline again'

/** What one line of the table shows. */
export interface Line {
  what: string
  subject: string
  /** `×`: a multiple of the baseline. */
  unit: '×' | 'ms' | 'µs' | 'kB' | 'KB' | 'MB' | 'times'
  /** The most that rds-iam may need. */
  target?: number
}

/** One line of the table, with its figures. */
export interface Figure extends Line {
  measured: Partial<Record<Contestant, Estimate>>
  verdict?: Verdict
}

/** A line that shows one of the quantities that each run returns. */
interface MeasuredLine<Quantity> extends Line {
  quantity: Quantity
  /** The contestant to compare with, in place of the baseline. */
  over?: Contestant
}

type Name = Contestant | 'baseline'
type Contestants<Quantity extends string> = Partial<Record<Name, () => Promise<Record<Quantity, number>>>>
type Runs<Quantity extends string> = Map<Name, Record<Quantity, number>[]>

/** An interval of 95 % needs six rounds. */
const FEWEST_ROUNDS = 6
const MOST_ROUNDS = 500

/**
 * Runs all contestants in each round, in random order, after a warm-up. Adds rounds until the intervals of all lines
 * with a target are narrow, or until the time is over.
 */
export async function measure<Quantity extends string>(
  contestants: Contestants<Quantity>,
  lines: readonly MeasuredLine<Quantity>[],
  seconds: number,
): Promise<Figure[]> {
  const entries = Object.entries(contestants) as [Name, () => Promise<Record<Quantity, number>>][]
  const runs: Runs<Quantity> = new Map(entries.map(([name]) => [name, []]))
  for (const [, run] of entries) await run()
  const end = performance.now() + seconds * 1_000
  for (let round = 1; ; round++) {
    for (const [name, run] of shuffled(entries)) runs.get(name)?.push(await run())
    if (round < FEWEST_ROUNDS) continue
    const figures = lines.map((line) => compare(line, runs))
    if (round === MOST_ROUNDS || performance.now() > end || figures.every(isPrecise)) return figures
  }
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

/** Compares the runs of each round: as a ratio, as a difference in other units, or not at all without a baseline. */
function compare<Quantity extends string>(
  { quantity, over, ...line }: MeasuredLine<Quantity>,
  runs: Runs<Quantity>,
): Figure {
  const reference = runs.get(over ?? 'baseline')?.map((run) => run[quantity])
  const compared = [...runs].filter(([name]) => name !== 'baseline' && name !== over)
  return createFigure(
    line,
    Object.fromEntries(
      compared.map(([name, list]) => [
        name,
        list.map((run, round) =>
          line.unit === '×'
            ? run[quantity] / (reference?.[round] ?? NaN)
            : run[quantity] - (reference?.[round] ?? 0),
        ),
      ]),
    ),
  )
}

/** Estimates the figures of a line from each contestant's measurements, and compares ours with the target. */
export function createFigure(line: Line, measurements: Partial<Record<Contestant, number[]>>): Figure {
  const measured: Figure['measured'] = Object.fromEntries(
    Object.entries(measurements).map(([name, list]) => [name, estimateMedian(list)]),
  )
  const ours = measured['rds-iam']
  if (!ours || line.target === undefined) return { ...line, measured }
  return { ...line, measured, verdict: judge(ours, line.target) }
}

function isPrecise({ measured, target }: Figure): boolean {
  const ours = measured['rds-iam']
  return !ours || target === undefined || isNarrow(ours, target)
}

/** Runs a function. Returns its duration in milliseconds. */
export async function timed(run: () => Promise<unknown>): Promise<{ ms: number }> {
  const start = performance.now()
  await run()
  return { ms: performance.now() - start }
}
