import { DEFAULT_PORTS } from './backend'
import { DSQL_ADMIN } from './defaults'
import { acceptedEndpoint } from './endpoint-name'
import type { Verdict } from './iam/refusal'
import { verifyToken } from './iam/verify-token'
import type { LocalRdsConfiguration } from './options'
import type { ResolvedOptions } from './resolve-options'

const THROTTLE_WINDOW_MS = 1_000

/** Decides about the logins of an endpoint. */
export class LoginDecisions {
  readonly #options: ResolvedOptions
  /** Times of the logins of the last second that were not throttled. */
  #admitted: number[] = []

  constructor(options: ResolvedOptions) {
    this.#options = options
  }

  /**
   * Decides about a token.
   *
   * @param time the time by this process's clock
   * @param current the configuration of now, and the listening port
   */
  decide(
    user: string,
    token: string,
    time: Date,
    { configuration, port }: { configuration: LocalRdsConfiguration; port: number },
  ): Verdict {
    const { engine, requireSlash } = this.#options
    const { identities, users, region, clockOffsetMs, maxConnectionsPerSecond } = configuration
    const endpoints = configuration.endpoints.map((name) =>
      acceptedEndpoint(name, port, DEFAULT_PORTS[engine]),
    )
    const now = new Date(time.getTime() + clockOffsetMs)
    const expected = { user, users, endpoints, region, identities, requireSlash }
    const verdict = verifyToken(
      token,
      engine === 'dsql' ? { ...expected, service: 'dsql', users: [...users, DSQL_ADMIN] } : expected,
      now,
    )
    if (this.#admits(time.getTime(), maxConnectionsPerSecond)) return verdict
    const detail = `more than ${maxConnectionsPerSecond} logins in a second`
    return { ...verdict, accepted: false, reason: 'THROTTLED', detail }
  }

  /** Whether a login at `now`, in milliseconds, is within `limit` logins a second. */
  #admits(now: number, limit: number): boolean {
    if (limit === Infinity) return true
    // When the clock was set back, recorded times are in the future and would count for too long.
    this.#admitted = this.#admitted.filter((time) => time <= now && now - time < THROTTLE_WINDOW_MS)
    if (this.#admitted.length >= limit) return false
    this.#admitted.push(now)
    return true
  }
}
