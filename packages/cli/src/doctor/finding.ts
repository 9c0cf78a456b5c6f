/** The checks of the doctor, in their order. */
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

/** What may keep a login from working, as a word that a program can compare. */
export type CauseCode =
  | 'REGION_MISMATCH'
  | 'REGION_UNKNOWN'
  | 'ENDPOINT_MISMATCH'
  | 'ENGINE_MISMATCH'
  | 'ALIAS'
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
  | 'LOGIN_FAILED'

/** A cause, with the exact thing to do about it. */
export interface Cause {
  code: CauseCode
  why: string
  fix: string
}

/**
 * How a cause follows from what was seen: `proven` by a login that works without it, `certain` by itself; `likely`
 * and `possible` only if the server refuses a token.
 */
export type Certainty = 'proven' | 'certain' | 'likely' | 'possible'

/** A cause that a check points at. */
export interface Suspicion extends Cause {
  certainty: Certainty
}

/** What a check says. */
export interface Finding {
  check: CheckName
  status: 'ok' | 'warning' | 'failed' | 'skipped'
  /** What was seen, in a line. */
  seen: string
  /** More of it, for `--verbose`. */
  details?: readonly string[]
  suspicions?: readonly Suspicion[]
  /** Whether the server was given a token and refused it. */
  refused?: boolean
}

/** A finding that all is well. */
export function ok(check: CheckName, seen: string, details: readonly string[] = []): Finding {
  return { check, status: 'ok', seen, details }
}

/** A finding that something could not be looked at. */
export function skipped(check: CheckName, reason: string): Finding {
  return { check, status: 'skipped', seen: reason }
}

/** A finding that a login cannot work, with its certain cause; what was seen is the reason of the cause. */
export function failed(check: CheckName, cause: Cause, details: readonly string[] = []): Finding {
  return {
    check,
    status: 'failed',
    seen: cause.why,
    details,
    suspicions: [{ ...cause, certainty: 'certain' }],
  }
}
