import { CHECKS, type Cause, type CheckName, type Finding, type ReportedFinding } from './finding'

/** The result of doctor, as `doctor --json` prints it. */
export interface Diagnosis {
  /** Whether no check failed. */
  ok: boolean
  /** The results of the checks, in the order in which they ran. */
  findings: readonly ReportedFinding[]
  /** The causes of the failures, the likeliest first. */
  causes: readonly Cause[]
}

/** Reports a diagnosis step by step. */
export interface Reporter {
  started?(check: CheckName): void
  found?(finding: Finding): void
  finished(diagnosis: Diagnosis): void
}

/** The style of a report for people. */
export interface Style {
  /** Whether the output is a terminal, where a line can be replaced. */
  live: boolean
  colours: boolean
  verbose: boolean
}

/** The page that explains each code, at an anchor with its name. */
const TROUBLESHOOTING = 'https://rds-iam.github.io/rds-iam/troubleshooting'

const MARKS = { ok: '✓', warning: '!', failed: '✗', skipped: '–' } as const
const COLOURS = { ok: 32, warning: 33, failed: 31, skipped: 90 } as const
const WIDTH = Math.max(...CHECKS.map((check) => check.length))

/** Writes JSON at the end. */
export function jsonReporter(write: (text: string) => void): Reporter {
  return {
    finished(diagnosis) {
      write(`${JSON.stringify(diagnosis, undefined, 2)}\n`)
    },
  }
}

/** Writes a line for each check, then the causes. */
export function textReporter(write: (text: string) => void, { live, colours, verbose }: Style): Reporter {
  const colour = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
  return {
    started(check) {
      if (live) write(`… ${check}`)
    },
    found({ check, status, seen, details = [] }) {
      if (live) write('\r\u001b[2K')
      const name = check.padEnd(WIDTH)
      const text = status === 'ok' || status === 'failed' ? seen : `${status}: ${seen}`
      write(`${colour(COLOURS[status], MARKS[status])} ${name}  ${text}\n`)
      if (verbose) for (const detail of details) write(`${' '.repeat(WIDTH + 4)}${colour(90, detail)}\n`)
    },
    finished({ ok, causes }) {
      if (causes.length > 0) write(`\n${causes.length > 1 ? 'Causes, the likeliest first' : 'The cause'}:\n`)
      for (const [index, { code, why, fix }] of causes.entries()) {
        const lines = `${fix}\nRead more: ${TROUBLESHOOTING}#${code}`
        write(`\n${index + 1}. ${colour(1, code)}: ${why}\n${lines.replace(/^/gm, '   ')}\n`)
      }
      if (ok) write('\nAll is well.\n')
    },
  }
}
