import type { Contestant, Figure } from './figures'

/** The figures in the chart. The driver with a static token is 1. */
const SHOWN: [what: string, subject: string, label: string][] = [
  ['SELECT 1, one in flight', 'pg', 'SELECT 1, pool of pg'],
  ['SELECT 1, one in flight', 'mysql2', 'SELECT 1, pool of mysql2'],
  ['a warm connect', 'pg', 'a new connection, warm'],
  ['longest stall, pool of 20', 'pg', 'stall while 20 open'],
  ['1,000 logins at once: time', 'pg', '1,000 logins at once'],
  ['CPU of a cold process to first row', 'pg', 'cold start, pg'],
  ['CPU of a cold process to first row', 'knex', 'cold start, knex'],
  ['CPU of a cold process to first row', 'kysely', 'cold start, kysely'],
  ['CPU of a cold bundle to first row', 'pg', 'cold start from a bundle'],
]

const SERIES: [name: Contestant, label: string, colour: string][] = [
  ['rds-iam', 'rds-iam', '#2f81f7'],
  ['usual recipe', '@aws-sdk/rds-signer by hand', '#d29922'],
  ['AWS wrapper', 'aws-advanced-nodejs-wrapper', '#db61a2'],
]

const WIDTH = 760
const LEFT = 190
const RIGHT = 70
const BAR = 10
const LONGEST = 4

/** Draws each contestant's time, as a multiple of the time with a static token. Readable on light and dark pages. */
export function drawChart(figures: readonly Figure[]): string {
  const scale = (WIDTH - LEFT - RIGHT) / LONGEST
  const parts: string[] = []
  let y = 64
  for (const [what, subject, label] of SHOWN) {
    const figure = figures.find((one) => one.what === what && one.subject === subject)
    if (!figure) continue
    const bars = SERIES.flatMap(([name, , colour]) => {
      const median = figure.measured[name]?.median
      return median === undefined ? [] : [{ median, colour }]
    })
    parts.push(text(LEFT - 10, y + (bars.length * (BAR + 3)) / 2 + 2, label, 'end'))
    for (const { median, colour } of bars) {
      const length = Math.min(median, LONGEST) * scale
      parts.push(
        `<rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2" fill="${colour}"/>`,
        text(LEFT + length + 5, y + BAR - 1, median.toFixed(2)),
      )
      y += BAR + 3
    }
    y += 12
  }
  const line = LEFT + scale
  const height = y + 6
  let x = LEFT
  const legend = SERIES.flatMap(([, label, colour]) => {
    const at = x
    x += 40 + label.length * 6.4
    return [
      `<rect x="${at}" y="34" width="10" height="10" rx="2" fill="${colour}"/>`,
      text(at + 15, 43, label),
    ]
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Time over the same driver with a static token">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
line { stroke: #57606a; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) { text { fill: #adbac7 } line { stroke: #adbac7 } }
</style>
${text(LEFT, 18, 'Time over the same driver with a static token, which is 1. Shorter is better.')}
${legend.join('\n')}
<line x1="${line}" y1="56" x2="${line}" y2="${y - 6}"/>
${parts.join('\n')}
</svg>
`
}

function text(x: number, y: number, content: string, anchor = 'start'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${content}</text>`
}
