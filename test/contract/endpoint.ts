import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { isRdsIamError, type RdsIamError } from '@rds-iam/core'
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
  return Object.assign(Object.create(rds) as LocalRds, {
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

/** The error of ours on an error's cause chain. */
export function ours(error: unknown): RdsIamError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (isRdsIamError(at)) return at
  return undefined
}

/** What a promise is rejected with. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; errno?: number }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it was not rejected')
}

/** The next message of a diagnostics channel. */
export function nextMessage(channel: string): Promise<unknown> {
  return new Promise((resolve) => {
    const listen = (message: unknown) => {
      unsubscribe(channel, listen)
      resolve(message)
    }
    subscribe(channel, listen)
  })
}

/** Resolves when a diagnostics channel has published a number of messages. */
export async function messages(channel: string, count: number): Promise<void> {
  for (; count > 0; count--) await nextMessage(channel)
}
