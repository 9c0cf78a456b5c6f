import { printable, printableLines } from '../printable'
import type { CheckName, Finding } from './finding'
import type { Reporter } from './report'

/** The result of a check. */
export interface Checked<T> {
  observed: T
  /** Whether later checks can rely on it. */
  passed: boolean
}

/** Runs checks, reports them, and keeps their findings. Findings contain no secrets and no control characters. */
export class Checklist {
  readonly findings: Finding[] = []
  readonly redactor: Redactor
  readonly #reporter: Pick<Reporter, 'started' | 'found'>

  constructor(redactor = createRedactor(), reporter: Pick<Reporter, 'started' | 'found'> = {}) {
    this.redactor = redactor
    this.#reporter = reporter
  }

  /** Observes something, judges the observation, and reports the finding. */
  async run<T>(
    check: CheckName,
    observe: () => Promise<T>,
    judge: (observed: T) => Finding,
  ): Promise<Checked<T>> {
    this.#reporter.started?.(check)
    const observed = await observe()
    const finding = this.#clean(judge(observed))
    this.findings.push(finding)
    this.#reporter.found?.(finding)
    return { observed, passed: finding.status === 'ok' || finding.status === 'warning' }
  }

  /** Reports the finding of a check that observes nothing, or cannot run. */
  async add(finding: Finding): Promise<void> {
    await this.run(
      finding.check,
      () => Promise.resolve(finding),
      (found) => found,
    )
  }

  #clean(finding: Finding): Finding {
    const { seen, details = [], candidates = [] } = finding
    const line = (text: string): string => printable(this.redactor.redact(text))
    return {
      ...finding,
      seen: line(seen),
      details: details.map(line),
      candidates: candidates.map((cause) => {
        const fix = printableLines(this.redactor.redact(cause.fix))
        return { ...cause, why: line(cause.why), fix }
      }),
    }
  }
}

const SHORTEST_SECRET = 8

/** A redactor that knows the secrets of the environment. */
export function createRedactor(): Redactor {
  const redactor = new Redactor()
  redactor.add(process.env['AWS_SECRET_ACCESS_KEY'])
  redactor.add(process.env['AWS_SESSION_TOKEN'])
  return redactor
}

/** Removes secrets from text: those it is told, and what looks like a part of a token. */
export class Redactor {
  readonly #secrets = new Set<string>()

  add(secret: string | undefined): void {
    if (secret === undefined || secret.length < SHORTEST_SECRET) return
    this.#secrets.add(secret)
    this.#secrets.add(encodeURIComponent(secret))
  }

  redact(text: string): string {
    let clean = text
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '[redacted]')
    return clean.replace(/(X-Amz-(?:Signature|Security-Token)=)[^&\s"']+/g, '$1[redacted]')
  }
}
