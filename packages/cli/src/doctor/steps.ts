import type { Redactor } from '../redact'
import { skipped, type CheckName, type Finding } from './finding'
import type { Reporter } from './report'

/** What a diagnosis is made with. */
export interface DoctorParts {
  reporter: Reporter
  redactor: Redactor
}

/** The checks that were made. */
export interface Steps {
  readonly findings: readonly Finding[]
  /** Makes a check, shows it, and tells whether what comes after may build on it. */
  take(check: CheckName, look: () => Promise<Finding> | Finding): Promise<boolean>
  /** The same for a check that something else has made impossible. */
  skip(check: CheckName, reason: string): Promise<boolean>
}

/** Makes the keeper of the findings: none is shown or kept before it is cleaned of secrets. */
export function createSteps({ reporter, redactor }: DoctorParts): Steps {
  const findings: Finding[] = []
  async function take(check: CheckName, look: () => Promise<Finding> | Finding): Promise<boolean> {
    reporter.started(check)
    const finding = cleaned(await look(), redactor)
    findings.push(finding)
    reporter.found(finding)
    return finding.status === 'ok' || finding.status === 'warning'
  }
  return { findings, take, skip: (check, reason) => take(check, () => skipped(check, reason)) }
}

function cleaned(finding: Finding, { redact }: Redactor): Finding {
  return {
    ...finding,
    seen: redact(finding.seen),
    details: finding.details?.map(redact) ?? [],
    suspicions:
      finding.suspicions?.map((cause) => ({ ...cause, why: redact(cause.why), fix: redact(cause.fix) })) ??
      [],
  }
}
