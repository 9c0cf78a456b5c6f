import type { Contestant, Figure, Line } from './figures'
import type { Verdict } from './statistics'

const COLUMNS: Contestant[] = ['rds-iam', 'usual recipe', 'AWS wrapper', 'DSQL connector']

/** How many digits the table shows after the decimal point. */
const DIGITS: Record<Line['unit'], number> = { '×': 3, ms: 1, µs: 2, kB: 1, KB: 2, MB: 2, times: 0 }

/** Prints one line for each figure: the median, and its interval in brackets. */
export function printTable(figures: readonly Figure[]): void {
  const head = ['what', 'for', 'at most', '', ...COLUMNS]
  const lines = figures.map(({ what, subject, unit, target, verdict = '', measured }) => [
    what,
    subject,
    target === undefined ? '' : `${target}${unitAfter(unit)}`,
    verdict === 'missed' ? 'MISSED' : verdict,
    ...COLUMNS.map((name) => show(measured[name], unit)),
  ])
  const widths = head.map((title, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0), title.length),
  )
  for (const line of [head, ...lines])
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  const count = (verdict: Verdict) => figures.filter((figure) => figure.verdict === verdict).length
  console.log(
    `\nTargets: ${count('reached')} reached, ${count('missed')} missed, ${count('within noise')} within noise`,
  )
}

function show(estimate: Figure['measured'][Contestant], unit: Line['unit']): string {
  if (!estimate) return ''
  const [median, low, high] = [estimate.median, estimate.low, estimate.high].map((figure) =>
    figure.toFixed(DIGITS[unit]),
  )
  return `${median}${unitAfter(unit)}${low === high ? '' : ` (${low}–${high})`}`
}

function unitAfter(unit: Line['unit']): string {
  return unit === 'times' || unit === '×' ? '' : ` ${unit}`
}
