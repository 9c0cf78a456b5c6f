/** A kind of credential endpoint: EC2 instance metadata, the container endpoint, or STS. */
export type CredentialSource = 'imds' | 'container' | 'sts'

/**
 * What a credential endpoint does wrong:
 *
 * - `hang`: accepts requests and never responds;
 * - `error`: responds with HTTP 500; `error-once`: to the next request only;
 * - `garbage`: sends credentials that cannot be parsed;
 * - `expired`: sends credentials that expired a minute ago;
 * - `slowMs`: responds correctly, that many milliseconds late.
 */
export type CredentialFault = 'hang' | 'error' | 'error-once' | 'garbage' | 'expired' | { slowMs: number }

/** How one request is handled. */
export interface FaultPlan {
  /** What happens before the endpoint reads the request. */
  first: 'nothing' | 'hang' | 'error'
  /** How long to wait before that, in milliseconds. */
  delayMs: number
  /** Which credentials to send, if the request asks for credentials. */
  credentials: 'good' | 'garbage' | 'expired'
}

/** The current faults. */
export interface Faults {
  /** Sets the fault of a source; undefined removes it. */
  set(source: CredentialSource, fault: CredentialFault | undefined): void
  /** Plans the next request to a source. */
  next(source: CredentialSource): FaultPlan
}

/** Starts without faults. */
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
      return planOf(fault)
    },
  }
}

function planOf(fault: CredentialFault | undefined): FaultPlan {
  const normal: FaultPlan = { first: 'nothing', delayMs: 0, credentials: 'good' }
  if (typeof fault === 'object') return { ...normal, delayMs: fault.slowMs }
  switch (fault) {
    case 'hang':
      return { ...normal, first: 'hang' }
    case 'error':
    case 'error-once':
      return { ...normal, first: 'error' }
    case 'garbage':
    case 'expired':
      return { ...normal, credentials: fault }
    case undefined:
      return normal
  }
}
