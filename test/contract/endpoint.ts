import { once } from 'node:events'
import { startLocalRds, type LocalRds, type LocalRdsOptions, type TestIdentity } from '@rds-iam/local'
import { inject } from 'vitest'
import type { LoginOptions } from './adapter'

/** A local RDS endpoint before the run's real server, with what tests ask of it. */
export interface TestEndpoint extends LocalRds {
  /** Options to log in with: its own identity, region and certificate authority. */
  options: LoginOptions
  /** The identity that may log in. */
  identity: TestIdentity
  /** How often the identity was asked for. */
  lookups(): number
  /** Resolves when no client is connected. */
  allClosed(): Promise<void>
}

export async function startEndpoint(
  options: LocalRdsOptions & { engine: 'postgres' | 'mysql' },
): Promise<TestEndpoint> {
  const backend = inject(options.engine === 'postgres' ? 'postgresUrl' : 'mysqlUrl')
  const rds = await startLocalRds({ backend, ...options })
  let lookups = 0
  const identity = {
    accessKeyId: rds.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: rds.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  }
  const credentials = () => {
    lookups++
    return Promise.resolve(identity)
  }
  return Object.assign(rds, {
    options: {
      host: 'localhost',
      port: rds.port,
      user: rds.user,
      database: rds.database,
      ssl: { ca: rds.ca },
      iam: { region: rds.region, credentials },
    },
    identity,
    lookups: () => lookups,
    async allClosed() {
      while (rds.openConnections > 0) await once(rds.events, 'disconnection')
    },
  })
}
