import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

/** What one client did during a failover. */
export interface Result {
  engine: 'postgres' | 'mysql'
  client: string
  /** What logs the client in, and finds the writer. */
  login: string
  /** Milliseconds from the promotion to the first write that succeeded. Undefined: none did. */
  firstWriteMs?: number
  failed: number
  /** Writes without an answer in the end. */
  unanswered: number
  /** Writes that a reader refused after the first write that succeeded, or without one, after the promotion. */
  readOnlyAfter: number
  uncaught: number
}

/** How the writer fails: it dies, or it is silent. */
export type Kind = 'dies' | 'silent'

type Recorded = Partial<Record<Kind, { date: string; machine: object; results: Result[] }>>

const file = fileURLToPath(new URL('results.json', import.meta.url))
const page = fileURLToPath(new URL('../../docs/failover.md', import.meta.url))
const marked = /(<!-- results of npm run bench:failover -->\n).*?(<!-- end of results -->)/s

const TITLES: Record<Kind, string> = {
  dies: 'The writer dies',
  silent: 'The writer falls silent, and stays so',
}

/** Prints the table of a run. */
export function printResults(results: readonly Result[]): void {
  console.log(table(results))
}

/** Writes the results of a whole run into their file and into the page that shows them. */
export function recordResults(kind: Kind, results: Result[]): void {
  const recorded: Recorded = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length }
  recorded[kind] = { date: new Date().toISOString(), machine, results }
  writeFileSync(file, `${JSON.stringify(recorded, null, 2)}\n`)
  const kinds = Object.keys(TITLES) as Kind[]
  const sections = kinds.flatMap((one) =>
    recorded[one] ? [`\n### ${TITLES[one]}\n\n${table(recorded[one].results)}\n\n`] : [],
  )
  const text = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    text.replace(marked, (_, start, end) => `${start}${sections.join('')}${end}`),
  )
}

/** A table in Markdown. */
function table(results: readonly Result[]): string {
  const lines = results.map(
    ({ client, login, firstWriteMs, failed, unanswered, readOnlyAfter, uncaught }) => [
      client,
      login,
      firstWriteMs === undefined ? 'never' : `${firstWriteMs} ms`,
      unanswered === 0 ? `${failed}` : `${failed}, and ${unanswered} without an answer`,
      `${readOnlyAfter}`,
      `${uncaught}`,
    ],
  )
  const head = [
    'client',
    'with',
    'first write after the promotion',
    'failed writes',
    'read-only errors after that',
    'uncaught exceptions',
  ]
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
