import { digits, type Contestant, type Figure, type Spread } from './figures'

const COLUMNS: Contestant[] = ['rds-iam', 'usual recipe', 'AWS wrapper', 'DSQL connector']

/** Prints one line for each figure: the median, and the quartiles in brackets. */
export function printTable(figures: readonly Figure[]): void {
  const head = ['what', 'for', 'at most', '', ...COLUMNS]
  const lines = figures.map((figure) => [
    figure.what,
    figure.subject,
    figure.target?.text ?? '',
    figure.met === undefined ? '' : figure.met ? 'met' : 'MISSED',
    ...COLUMNS.map((name) => show(figure.measured[name], figure.unit)),
  ])
  const widths = head.map((title, column) =>
    Math.max(...[head, ...lines].map((line) => line[column]?.length ?? 0), title.length),
  )
  for (const line of [head, ...lines])
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  const judged = figures.filter(({ met }) => met !== undefined)
  console.log(`\n${judged.filter(({ met }) => met).length} of ${judged.length} targets met`)
}

function show(spread: Spread | undefined, unit: Figure['unit']): string {
  if (!spread) return ''
  const [median, low, high] = [spread.median, spread.low, spread.high].map((figure) =>
    figure.toFixed(digits(unit)),
  )
  const name = unit === 'times' || unit === '×' ? '' : ` ${unit}`
  return low === high ? `${median}${name}` : `${median}${name} (${low}–${high})`
}
