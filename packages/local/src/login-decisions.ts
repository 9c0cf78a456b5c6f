import { DEFAULT_PORTS } from './backend'
import { DSQL_ADMIN } from './defaults'
import { acceptedEndpoint, parseEndpointName } from './endpoint-name'
import type { Verdict } from './iam/refusal'
import { verifyToken } from './iam/verify-token'
import type { LocalRdsConfiguration } from './options'
import type { ResolvedOptions } from './resolve-options'
import { createThrottle } from './throttle'

/** Decides about logins. */
export interface LoginDecisions {
  /** Decides about a token at an instant of this process's clock, by the configuration of now. */
  decide(user: string, token: string, time: Date, current: DecisionGrounds): Verdict
}

/** What decisions depend on and what may change while the endpoint runs. */
export interface DecisionGrounds {
  configuration: LocalRdsConfiguration
  /** The listening port. */
  port: number
}

/** Begins to decide; logins before are not counted. */
export function createLoginDecisions({ engine, requireSlash }: ResolvedOptions): LoginDecisions {
  const throttle = createThrottle()
  return {
    decide(user, token, time, { configuration, port }) {
      const { identities, users, region, clockOffsetMs, maxConnectionsPerSecond } = configuration
      const endpoints = configuration.endpoints.map((name) =>
        acceptedEndpoint(parseEndpointName(name), port, DEFAULT_PORTS[engine]),
      )
      const now = new Date(time.getTime() + clockOffsetMs)
      const expected = { user, users, endpoints, region, identities, requireSlash }
      const verdict = verifyToken(
        token,
        engine === 'dsql' ? { ...expected, service: 'dsql', users: [...users, DSQL_ADMIN] } : expected,
        now,
      )
      if (throttle.admits(time.getTime(), maxConnectionsPerSecond)) return verdict
      const { accessKeyId } = verdict
      const detail = `more than ${maxConnectionsPerSecond} logins in a second`
      return {
        accepted: false,
        reason: 'THROTTLED',
        detail,
        ...(accessKeyId === undefined ? {} : { accessKeyId }),
      }
    },
  }
}
