import { once } from 'node:events'
import {
  startLocalRds,
  type Engine,
  type LocalRds,
  type LocalRdsOptions,
  type TestIdentity,
} from '@rds-iam/local'
import { inject } from 'vitest'
import type { LoginOptions } from './adapter'
import { defaultsOf, loginOptions } from './endpoint-options'

/** A local RDS endpoint in front of the test run's real server. */
export interface TestEndpoint extends LocalRds {
  /** Options that log in to it: its host, user, CA certificate, region and identity. */
  options: LoginOptions
  /** The identity that may log in. */
  identity: TestIdentity
  /** How often the credentials were fetched. */
  fetches(): number
  /** Resolves when no client is connected. */
  allClosed(): Promise<void>
}

export async function startEndpoint(options: LocalRdsOptions & { engine: Engine }): Promise<TestEndpoint> {
  const backend = inject(options.engine === 'mysql' ? 'mysqlUrl' : 'postgresUrl')
  const rds = await startLocalRds({ backend, ...defaultsOf(options.engine), ...options })
  let fetches = 0
  const identity = {
    accessKeyId: rds.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: rds.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  }
  const credentials = () => {
    fetches++
    return Promise.resolve(identity)
  }
  return Object.assign(rds, {
    options: loginOptions(rds, credentials),
    identity,
    fetches: () => fetches,
    async allClosed() {
      while (rds.openConnections > 0) await once(rds.events, 'disconnection')
    },
  })
}
