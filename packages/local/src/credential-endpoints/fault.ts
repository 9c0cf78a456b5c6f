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
