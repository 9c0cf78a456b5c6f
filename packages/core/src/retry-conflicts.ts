import { setTimeout as wait } from 'node:timers/promises'
import { invalidOption } from './errors'
import { checkKeys } from './iam-options'

/** Options of {@link retryConflicts}. */
export interface RetryOptions {
  /** Maximum number of times that `work` runs, including the first. Default 5. */
  maxAttempts?: number | undefined
  /** Longest wait before the first retry, in milliseconds; doubles with each further retry. Default 20. */
  baseDelayMs?: number | undefined
  /** Longest wait before any retry, in milliseconds. Default 1000. */
  maxDelayMs?: number | undefined
  /** Ends the wait when it is aborted: `retryConflicts` then rejects with the last conflict. */
  signal?: AbortSignal | undefined
}

const OPTIONS = ['maxAttempts', 'baseDelayMs', 'maxDelayMs', 'signal']

/**
 * Runs a transaction, and retries all of it when it conflicts with another transaction. A conflict is an error of
 * `work` with SQLSTATE 40001, which Aurora DSQL sends with OC000 or OC001. The database has then rolled the transaction
 * back. Each wait is random, between zero and a limit that doubles ("full jitter").
 *
 * Other errors are not retried. After a lost connection it is unknown whether the transaction was committed.
 *
 * @param work begins, runs and commits one transaction. It must not do anything else that cannot be repeated.
 * @returns the value that `work` resolves with.
 * @throws the first error of `work` that is not a conflict, or the last conflict.
 * @throws {RdsIamError} `INVALID_OPTION`
 * @example
 * ```ts
 * await retryConflicts(() => db.transaction().execute((trx) => transfer(trx, from, to, amount)))
 * ```
 */
export async function retryConflicts<T>(work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { maxAttempts = 5, baseDelayMs = 20, maxDelayMs = 1000, signal } = checkOptions(options)
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= maxAttempts || !isConflict(error)) throw error
      const limit = Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1))
      await wait(Math.random() * limit, undefined, signal && { signal }).catch(() => {
        throw error
      })
    }
  }
}

function checkOptions(options: RetryOptions): RetryOptions {
  checkKeys(options, 'options', OPTIONS)
  const { maxAttempts = 1, baseDelayMs = 0, maxDelayMs = 0 } = options
  if (!(Number.isInteger(maxAttempts) && maxAttempts > 0))
    throw invalidOption('maxAttempts', 'give a whole number from 1')
  for (const [name, delay] of Object.entries({ baseDelayMs, maxDelayMs }))
    if (!(delay >= 0 && delay <= LONGEST_DELAY_MS))
      throw invalidOption(name, `give a number of milliseconds from 0 to ${LONGEST_DELAY_MS}`)
  return options
}

const LONGEST_DELAY_MS = 3_600_000

/** The SQLSTATEs of conflicts. OC000 and OC001 are included because AWS's connectors for Aurora DSQL retry them too. */
const CONFLICTS = new Set<unknown>(['40001', 'OC000', 'OC001'])

/** Whether the server refused a transaction because of a conflict. Some libraries wrap the driver's error. */
function isConflict(error: unknown): boolean {
  const seen = new Set<unknown>()
  for (let cause = error; typeof cause === 'object' && cause !== null && !seen.has(cause);) {
    // MySQL's drivers have the SQLSTATE in `sqlState`.
    const { code, sqlState, cause: next } = cause as { code?: unknown; sqlState?: unknown; cause?: unknown }
    if (CONFLICTS.has(code) || CONFLICTS.has(sqlState)) return true
    seen.add(cause)
    cause = next
  }
  return false
}
