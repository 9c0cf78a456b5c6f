import { printable, printableLines } from '../printable'
import { skipped, type CheckName, type Finding } from './finding'
import type { Redactor } from './redact'
import type { Reporter } from './report'

/** What a diagnosis is made with. */
export interface DoctorParts {
  reporter: Reporter
  redactor: Redactor
}

/** What came of a check. */
export interface Step<T> {
  observed: T
  /** Whether what comes after may build on it. */
  passed: boolean
}

/** The checks that were made. */
export interface Steps {
  readonly findings: readonly Finding[]
  /** Observes, judges what was observed, and shows the finding. */
  take<T>(
    check: CheckName,
    observe: () => Promise<T> | T,
    judge: (observed: Awaited<T>) => Finding,
  ): Promise<Step<Awaited<T>>>
  /** Says why something cannot be observed. */
  skip(check: CheckName, reason: string): Promise<void>
}

/** Makes the keeper of the findings: none is shown or kept before it is cleaned of secrets and control characters. */
export function createSteps({ reporter, redactor }: DoctorParts): Steps {
  const findings: Finding[] = []
  const take: Steps['take'] = async (check, observe, judge) => {
    reporter.started(check)
    const observed = await observe()
    const finding = cleaned(judge(observed), redactor)
    findings.push(finding)
    reporter.found(finding)
    return { observed, passed: finding.status === 'ok' || finding.status === 'warning' }
  }
  return {
    findings,
    take,
    async skip(check, reason) {
      await take(
        check,
        () => reason,
        (why) => skipped(check, why),
      )
    },
  }
}

function cleaned(finding: Finding, { redact }: Redactor): Finding {
  const { seen, details = [], suspicions = [] } = finding
  const line = (text: string): string => printable(redact(text))
  return {
    ...finding,
    seen: line(seen),
    details: details.map(line),
    suspicions: suspicions.map((each) => {
      return { ...each, why: line(each.why), fix: printableLines(redact(each.fix)) }
    }),
  }
}
