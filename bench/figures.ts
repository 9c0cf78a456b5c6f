/** The middle of several measurements, and the two that hold half of them. */
export interface Spread {
  median: number
  low: number
  high: number
  runs: number
}

/** Who is compared. */
export type Contestant = 'rds-iam' | 'usual recipe' | 'AWS wrapper' | 'DSQL connector' | 'itself again'

/** One line of the table. */
export interface Figure {
  row: string
  what: string
  subject: string
  /** `×`: times what is named as the floor. */
  unit: '×' | 'ms' | 'µs' | 'kB' | 'KB' | 'MB' | 'times'
  measured: Partial<Record<Contestant, Spread>>
  target?: { atMost: number; text: string }
  met?: boolean
}

/** Measurements of one contestant, one of each round. */
export type Rounds<Name extends string> = Record<Name, number[]>

/** Runs everybody in each round, in an order that turns; the first rounds warm up and are left out. */
export async function interleave<Name extends string>(
  contestants: Record<Name, () => Promise<number>>,
  rounds: number,
  warmUp = 1,
): Promise<Rounds<Name>> {
  const names = Object.keys(contestants) as Name[]
  const taken = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Rounds<Name>
  for (let round = -warmUp; round < rounds; round++) {
    const turn = (round + warmUp) % names.length
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      const figure = await contestants[name]()
      if (round >= 0) taken[name].push(figure)
    }
  }
  return taken
}

/** Each round's quotient of one contestant and the floor. */
export function ratios(taken: readonly number[], floor: readonly number[]): Spread {
  return spread(taken.map((figure, round) => figure / (floor[round] ?? NaN)))
}

/** Each round's difference of one contestant and the floor. */
export function differences(taken: readonly number[], floor: readonly number[]): Spread {
  return spread(taken.map((figure, round) => figure - (floor[round] ?? NaN)))
}

/** The middle of figures, and the middle half of them. */
export function spread(figures: readonly number[]): Spread {
  const sorted = figures.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? NaN
  return { median: at(0.5), low: at(0.25), high: at(0.75), runs: sorted.length }
}

/** The figure with its verdict: the median is compared, as precisely as the table shows it. */
export function judge(figure: Figure): Figure {
  const median = figure.measured['rds-iam']?.median
  if (!figure.target || median === undefined) return figure
  return { ...figure, met: Number(median.toFixed(digits(figure.unit))) <= figure.target.atMost }
}

/** How many digits after the point a unit is shown with. */
export function digits(unit: Figure['unit']): number {
  return { '×': 2, ms: 1, µs: 2, kB: 1, KB: 2, MB: 2, times: 0 }[unit]
}
