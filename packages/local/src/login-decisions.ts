import { DEFAULT_PORTS } from './backend'
import type { LocalRdsConfiguration } from './configuration'
import { acceptedEndpoint, parseEndpointName } from './endpoint-name'
import type { TestIdentity } from './iam/identity'
import type { Verdict } from './iam/refusal'
import { verifyToken } from './iam/verify-token'
import type { ResolvedOptions } from './options'
import { createThrottle } from './throttle'

/** Decides about logins. */
export interface LoginDecisions {
  /** Decides about a token at an instant of this process's clock, by the configuration of now. */
  decide(user: string, token: string, time: Date, current: DecisionGrounds): Verdict
  /** Lets an identity log in beside the configured ones; the latest 10,000 may. */
  admit(identity: TestIdentity): void
}

/** What decisions depend on and what may change while the endpoint runs. */
export interface DecisionGrounds {
  configuration: LocalRdsConfiguration
  /** The listening port. */
  port: number
}

const MAX_ADMITTED = 10_000

/** Begins to decide; logins before are not counted. */
export function createLoginDecisions({ engine, requireSlash }: ResolvedOptions): LoginDecisions {
  const throttle = createThrottle()
  const admitted: TestIdentity[] = []
  return {
    decide(user, token, time, { configuration, port }) {
      const { users, region, clockOffsetMs, maxConnectionsPerSecond } = configuration
      const endpoints = configuration.endpoints.map((name) =>
        acceptedEndpoint(parseEndpointName(name), port, DEFAULT_PORTS[engine]),
      )
      const identities = [...configuration.identities, ...admitted]
      const now = new Date(time.getTime() + clockOffsetMs)
      const verdict = verifyToken(token, { user, users, endpoints, region, identities, requireSlash }, now)
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
    admit(identity) {
      if (admitted.push(identity) > MAX_ADMITTED) admitted.shift()
    },
  }
}
