/** The checks of doctor, in their order. */
export const CHECKS = [
  'options',
  'dns',
  'credentials',
  'identity',
  'region',
  'endpoint',
  'clock',
  'tcp',
  'tls',
  'token',
  'login',
  'server',
] as const

/** The name of a check. */
export type CheckName = (typeof CHECKS)[number]

/** What can keep a login or a write from working, as a word for programs. */
export type CauseCode =
  | 'REGION_MISMATCH'
  | 'REGION_UNKNOWN'
  | 'ENDPOINT_MISMATCH'
  | 'ENGINE_MISMATCH'
  | 'ALIAS'
  | 'NOT_RDS'
  | 'USER_NOT_ALLOWED'
  | 'USER_NOT_GRANTED'
  | 'SESSION_EXPIRED'
  | 'KEY_UNKNOWN'
  | 'NO_CREDENTIALS'
  | 'CREDENTIALS_TIMEOUT'
  | 'CLOCK_SKEW'
  | 'NAME_UNKNOWN'
  | 'HOST_UNREACHABLE'
  | 'PORT_CLOSED'
  | 'PORT_SILENT'
  | 'TLS_NOT_OFFERED'
  | 'TLS_FAILED'
  | 'CA_UNKNOWN'
  | 'CERTIFICATE_NAME'
  | 'DATABASE_UNKNOWN'
  | 'DATABASE_NOT_ALLOWED'
  | 'TOO_MANY_CONNECTIONS'
  | 'READER_ENDPOINT'
  | 'LOGIN_FAILED'

/** A cause, and what to do about it. */
export interface Cause {
  code: CauseCode
  why: string
  fix: string
}

/**
 * How sure a check is of a cause. `proven`: a login without it works. `certain`: the observation shows it. `likely` and
 * `possible`: they count only if the server refuses a token.
 */
export type Confidence = 'proven' | 'certain' | 'likely' | 'possible'

/** A cause that a check points at. */
export interface CandidateCause extends Cause {
  confidence: Confidence
}

/** The result of a check, in the form for reports. */
export interface ReportedFinding {
  check: CheckName
  status: 'ok' | 'warning' | 'failed' | 'skipped'
  /** What was observed, in one line. */
  seen: string
}

/** The result of a check. */
export interface Finding extends ReportedFinding {
  /** More lines for `--verbose`. */
  details?: readonly string[]
  candidates?: readonly CandidateCause[]
  /** Whether the server got a token and refused it. */
  refused?: boolean
}

/** A finding without a fault. */
export function ok(check: CheckName, seen: string, details: readonly string[] = []): Finding {
  return { check, status: 'ok', seen, details }
}

/** A finding of a possible fault. Its causes are considered only if the login is refused. */
export function warning(
  check: CheckName,
  seen: string,
  causes: readonly Cause[] = [],
  details: readonly string[] = [],
): Finding {
  return { check, status: 'warning', seen, details, candidates: withConfidence('possible', causes) }
}

/** A finding of a check that could not run. */
export function skipped(check: CheckName, reason: string): Finding {
  return { check, status: 'skipped', seen: reason }
}

/** A finding that a login cannot work, with its certain cause. */
export function failed(check: CheckName, cause: Cause, details: readonly string[] = []): Finding {
  return { check, status: 'failed', seen: cause.why, details, candidates: withConfidence('certain', [cause]) }
}

/** Causes that a check is equally sure of. */
export function withConfidence(confidence: Confidence, causes: readonly Cause[]): CandidateCause[] {
  return causes.map((cause) => ({ ...cause, confidence }))
}

const ORDER = { proven: 0, certain: 2, likely: 3, possible: 4 } as const
const WRONG_CLOCK = 1

/**
 * Ranks the causes of findings, the likeliest first; equally sure ones in the order of the checks. Causes that are not
 * certain count only after a refusal.
 */
export function rankCauses(findings: readonly Finding[]): Cause[] {
  const isRefused = findings.some((finding) => finding.refused)
  const ranked = findings
    .flatMap(({ candidates }) => candidates ?? [])
    .filter(({ confidence }) => isRefused || ORDER[confidence] <= ORDER.certain)
    .toSorted((a, b) => rank(a) - rank(b))
  const causes = new Map<string, CandidateCause>()
  for (const candidate of ranked) {
    const { code, confidence } = candidate
    const known = causes.get(code)
    // Of two that are equally sure, take the later check's: it knows more.
    if (!known || known.confidence === confidence) causes.set(code, candidate)
  }
  return [...causes.values()].map(({ code, why, fix }) => ({ code, why, fix }))
}

/** A wrong clock comes first: it makes expiry and certificates impossible to judge. */
function rank({ code, confidence }: CandidateCause): number {
  return code === 'CLOCK_SKEW' && confidence === 'certain' ? WRONG_CLOCK : ORDER[confidence]
}
