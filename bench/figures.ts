/** The median and the quartiles of several measurements. */
export interface Spread {
  median: number
  low: number
  high: number
  runs: number
}

/** The names of the compared logins. */
export type Contestant = 'rds-iam' | 'usual recipe' | 'AWS wrapper' | 'DSQL connector' | 'baseline again'

/** One line of the printed table. */
export interface Figure {
  row: string
  what: string
  subject: string
  /** `×`: a multiple of the baseline. */
  unit: '×' | 'ms' | 'µs' | 'kB' | 'KB' | 'MB' | 'times'
  measured: Partial<Record<Contestant, Spread>>
  target?: { atMost: number; text: string }
  met?: boolean
}

/** The measurements of each contestant, one for each round. */
export type Rounds<Name extends string, Taken = number> = Record<Name, Taken[]>

/** Runs all contestants in each round, in a rotating order. The result does not contain the warm-up rounds. */
export async function interleave<Name extends string, Taken = number>(
  contestants: Record<Name, () => Promise<Taken>>,
  rounds: number,
  warmUp = 1,
): Promise<Rounds<Name, Taken>> {
  const names = Object.keys(contestants) as Name[]
  const taken = Object.fromEntries(names.map((name) => [name, [] as Taken[]])) as Rounds<Name, Taken>
  for (let round = -warmUp; round < rounds; round++) {
    const turn = (round + warmUp) % names.length
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      const figure = await contestants[name]()
      if (round >= 0) taken[name].push(figure)
    }
  }
  return taken
}

/** A contestant's time divided by the baseline's in the same round. */
export function ratios(taken: readonly number[], baseline: readonly number[]): Spread {
  return spread(taken.map((figure, round) => figure / (baseline[round] ?? NaN)))
}

/** A contestant's time minus the baseline's in the same round. */
export function differences(taken: readonly number[], baseline: readonly number[]): Spread {
  return spread(taken.map((figure, round) => figure - (baseline[round] ?? NaN)))
}

/** The median and the quartiles of figures. */
export function spread(figures: readonly number[]): Spread {
  const sorted = figures.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? NaN
  return { median: at(0.5), low: at(0.25), high: at(0.75), runs: sorted.length }
}

/** Adds whether a figure meets its target. Compares the median as rounded in the table. */
export function judge(figure: Figure): Figure {
  const median = figure.measured['rds-iam']?.median
  if (!figure.target || median === undefined) return figure
  return { ...figure, met: Number(median.toFixed(digits(figure.unit))) <= figure.target.atMost }
}

/** How many digits the table shows after the decimal point. */
export function digits(unit: Figure['unit']): number {
  return { '×': 2, ms: 1, µs: 2, kB: 1, KB: 2, MB: 2, times: 0 }[unit]
}
