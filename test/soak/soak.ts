import FakeTimers from '@sinonjs/fake-timers'
import type { TokenRenewalFailedEvent } from '@rds-iam/core'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import {
  startCredentialEndpoints,
  startLocalRds,
  type CredentialFault,
  type LocalRds,
  type TestIdentity,
} from '@rds-iam/local'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import mysql from 'mysql2/promise'
import pg from 'pg'

const SESSION_MS = 60_000
const LOGINS_AT_ONCE = 4
// Fake time between two rounds of logins: about twenty rounds for each session.
const ROUND_MS = 2_000
// A fault is shorter than the last quarter of a session, in which the renewal happens.
const FAULT_ROUNDS = 5
const ROUNDS_BETWEEN_FAULTS = 13
const FAULTS: readonly CredentialFault[] = [
  'error',
  'hang',
  'garbage',
  { slowMs: 200 },
  'expired',
  'error-once',
]

/** The results of a soak test. */
export interface SoakFigures {
  engine: string
  logins: number
  failed: number
  sessions: number
  faults: number
  signed: number
  /** Logins that used an old token or session because the renewal failed. */
  bridged: number
  seconds: number
  heapGrowthMb: number
}

/**
 * Opens and closes connections to a real server. Sessions expire every minute of fake time, and the credential endpoint
 * has faults. Every login should succeed; `failed` counts those that did not.
 */
export async function soak(
  engine: 'postgres' | 'mysql',
  backend: string | undefined,
  logins: number,
): Promise<SoakFigures> {
  const start = performance.now()
  const sessions: TestIdentity[] = []
  const rds = await startLocalRds({ engine, ...(backend ? { backend } : {}), identities: [] })
  const source = await startCredentialEndpoints({
    lifetimeMs: SESSION_MS,
    onIssued(session) {
      sessions.push(session)
      rds.setIdentities(sessions.slice(-20))
    },
  })
  const clock = FakeTimers.install({ toFake: ['Date'], now: new Date() })
  const kept = { ...process.env }
  Object.assign(process.env, source.env.container)
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) delete process.env[name]
  const counted = { signed: 0, bridged: 0 }
  const onSigned = () => void counted.signed++
  const onFailed = (event: unknown) =>
    void (counted.bridged += (event as TokenRenewalFailedEvent).bridged ? 1 : 0)
  subscribe('rds-iam:token.signed', onSigned)
  subscribe('rds-iam:token.renewal-failed', onFailed)

  const pool = openPool(rds)
  let done = 0
  let failed = 0
  let faults = 0
  let heapBefore = 0
  try {
    for (let round = 0; done < logins; round++) {
      clock.tick(ROUND_MS)
      const inFault = round % ROUNDS_BETWEEN_FAULTS
      if (inFault === 0 && round > 0) source.setFault('container', FAULTS[faults++ % FAULTS.length])
      if (inFault === FAULT_ROUNDS) source.setFault('container', undefined)
      const results = await Promise.allSettled(Array.from({ length: LOGINS_AT_ONCE }, () => pool.logIn()))
      done += results.length
      for (const result of results) {
        if (result.status === 'fulfilled') continue
        failed++
        console.error(result.reason)
      }
      if (heapBefore === 0 && done >= logins / 4) heapBefore = heap()
    }
    const heapGrowthMb = (heap() - heapBefore) / 2 ** 20
    const seconds = (performance.now() - start) / 1_000
    return {
      engine,
      logins: done,
      failed,
      sessions: sessions.length,
      faults,
      ...counted,
      seconds,
      heapGrowthMb,
    }
  } finally {
    unsubscribe('rds-iam:token.signed', onSigned)
    unsubscribe('rds-iam:token.renewal-failed', onFailed)
    await pool.end()
    await source.close()
    await rds.close()
    clock.uninstall()
    process.env = kept
  }
}

/** A pool that closes each connection after one query. */
function openPool(rds: LocalRds): { logIn(): Promise<unknown>; end(): Promise<void> } {
  const { host, port, user, database, region } = rds
  const options = { host, port, user, database, ssl: { ca: rds.ca }, iam: { region, timeoutMs: 1_000 } }
  if (rds.engine === 'postgres') {
    const pool = new pg.Pool({ ...pgConfig(options), max: LOGINS_AT_ONCE, maxUses: 1 })
    return { logIn: () => pool.query('select 1'), end: () => pool.end() }
  }
  const pool = mysql.createPool({ ...mysql2Config(options), connectionLimit: LOGINS_AT_ONCE })
  return {
    async logIn() {
      const connection = await pool.getConnection()
      await connection.query('select 1')
      connection.destroy()
    },
    end: () => pool.end(),
  }
}

function heap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
