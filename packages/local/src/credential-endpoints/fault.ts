/** A kind of credential endpoint: EC2 instance metadata, the container endpoint, or STS. */
export type CredentialSource = 'imds' | 'container' | 'sts'

/**
 * What a credential endpoint does in place of its duty:
 *
 * - `hang`: takes requests and never answers;
 * - `error`: answers HTTP 500; `error-once`: to the next request only;
 * - `garbage`: answers credentials that cannot be parsed;
 * - `expired`: answers credentials that ended a minute ago;
 * - `slowMs`: answers rightly, that many milliseconds late.
 */
export type CredentialFault = 'hang' | 'error' | 'error-once' | 'garbage' | 'expired' | { slowMs: number }

/** The kinds of credential endpoints. */
export const CREDENTIAL_SOURCES: readonly CredentialSource[] = ['imds', 'container', 'sts']

const NAMED_FAULTS: readonly unknown[] = ['hang', 'error', 'error-once', 'garbage', 'expired']
const MAX_DELAY_MS = 2 ** 31 - 1 // a timer knows no longer one

/** @throws {TypeError} when the value is no fault. */
export function checkFault(value: unknown): CredentialFault {
  if (NAMED_FAULTS.includes(value)) return value as CredentialFault
  if (typeof value === 'object' && value !== null && Object.keys(value).join() === 'slowMs') {
    const { slowMs } = value as { slowMs: unknown }
    if (typeof slowMs === 'number' && slowMs >= 0 && slowMs <= MAX_DELAY_MS) return { slowMs }
  }
  throw new TypeError(`a fault must be one of ${NAMED_FAULTS.join(', ')}, or { slowMs }`)
}

/** @throws {TypeError} when the name is none of a source. */
export function checkSource(name: string): CredentialSource {
  const source = CREDENTIAL_SOURCES.find((candidate) => candidate === name)
  if (source === undefined) throw new TypeError(`a source must be one of ${CREDENTIAL_SOURCES.join(', ')}`)
  return source
}

/** What to do with one request. */
export interface Treatment {
  /** What happens before the endpoint looks at the request. */
  first: 'nothing' | 'hang' | 'error'
  /** How long to wait before that, in milliseconds. */
  delayMs: number
  /** What kind of credentials to answer, if it asks for credentials. */
  credentials: 'good' | 'garbage' | 'expired'
}

/** The faults that are switched on. */
export interface Faults {
  /** Switches the fault of a source on; without one, off. */
  set(source: CredentialSource, fault: CredentialFault | undefined): void
  /** The fault of a source; undefined when it is well. */
  get(source: CredentialSource): CredentialFault | undefined
  /** Decides about one request to a source. */
  next(source: CredentialSource): Treatment
}

/** Makes the switchboard of faults, all off. */
export function createFaults(): Faults {
  const faults = new Map<CredentialSource, CredentialFault>()
  return {
    set(source, fault) {
      if (fault === undefined) faults.delete(source)
      else faults.set(source, fault)
    },
    get: (source) => faults.get(source),
    next(source) {
      const fault = faults.get(source)
      if (fault === 'error-once') faults.delete(source)
      return treatment(fault)
    },
  }
}

function treatment(fault: CredentialFault | undefined): Treatment {
  const usual: Treatment = { first: 'nothing', delayMs: 0, credentials: 'good' }
  if (typeof fault === 'object') return { ...usual, delayMs: fault.slowMs }
  switch (fault) {
    case 'hang':
      return { ...usual, first: 'hang' }
    case 'error':
    case 'error-once':
      return { ...usual, first: 'error' }
    case 'garbage':
    case 'expired':
      return { ...usual, credentials: fault }
    case undefined:
      return usual
  }
}
