import FakeTimers from '@sinonjs/fake-timers'
import type { TokenRenewalFailedEvent } from '@rds-iam/core'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { startLocalRds, type LocalRds, type TestIdentity } from '@rds-iam/local'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { randomInt } from 'node:crypto'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { startRelay, type Fault, type Relay } from '../faults/relay'
import { startCredentialEndpoints } from '../../test/support/credential-endpoints/credential-endpoints'
import type { CredentialFault } from '../../test/support/credential-endpoints/fault'

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

// Ends a login whose server is silent; a login may wait for credentials first.
const CONNECT_TIMEOUT_MS = 3_000
const ROUNDS_BETWEEN_CUTS = 11
const CUT_POINTS = ['accepted', 'greeted', 'handshake', 'secured', 'asked', 'sent'] as const
// No garbage: mysql2 prints a warning about it.
const CUT_WAYS = ['close', 'reset', 'silence', 'bytewise'] as const

/** The results of a soak. */
export interface SoakFigures {
  engine: string
  logins: number
  failed: number
  sessions: number
  faults: number
  /** Connections that were cut during their login. */
  cuts: number
  signed: number
  /** Logins that used an old token or session because the renewal failed. */
  bridged: number
  seconds: number
  heapGrowthMb: number
}

/**
 * Opens and closes connections on a real server, with sessions that end every minute of faked time, a
 * credential endpoint with faults and a relay that cuts connections. A login that was cut is tried again once. So every
 * login could succeed; `failed` counts those that did not.
 */
export async function soak(
  engine: 'postgres' | 'mysql',
  backend: string | undefined,
  logins: number,
): Promise<SoakFigures> {
  const start = performance.now()
  const sessions: TestIdentity[] = []
  const relay = await startRelay(engine, () => rds.port)
  const rds = await startLocalRds({
    engine,
    ...(backend ? { backend } : {}),
    identities: [],
    endpoints: [`localhost:${relay.port}`],
  })
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

  const pool = openPool(rds, relay)
  let done = 0
  let failed = 0
  let faults = 0
  let cuts = 0
  let heapBefore = 0
  try {
    for (let round = 0; done < logins; round++) {
      clock.tick(ROUND_MS)
      const inFault = round % ROUNDS_BETWEEN_FAULTS
      if (inFault === 0 && round > 0) source.setFault('container', FAULTS[faults++ % FAULTS.length])
      if (inFault === FAULT_ROUNDS) source.setFault('container', undefined)
      const cut = round % ROUNDS_BETWEEN_CUTS === 0 ? randomCut() : undefined
      if (cut) void relay.arm(cut).then(() => cuts++)
      // The application tries again with what was cut, and with nothing else.
      let retries = cut && cut.way !== 'bytewise' ? 1 : 0
      const logIn = async () => {
        try {
          await pool.logIn()
        } catch (error) {
          if (retries-- < 1) throw error
          await pool.logIn()
        }
      }
      const results = await Promise.allSettled(Array.from({ length: LOGINS_AT_ONCE }, logIn))
      done += results.length
      for (const result of results) {
        if (result.status === 'fulfilled') continue
        failed++
        console.error(cut, result.reason)
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
      cuts,
      ...counted,
      seconds,
      heapGrowthMb,
    }
  } finally {
    unsubscribe('rds-iam:token.signed', onSigned)
    unsubscribe('rds-iam:token.renewal-failed', onFailed)
    await pool.end()
    await relay.allClosed()
    await source.close()
    await relay.close()
    await rds.close()
    clock.uninstall()
    process.env = kept
  }
}

/** A pool each of whose connections serves one query and is closed. */
function openPool(rds: LocalRds, { port, ca }: Relay): { logIn(): Promise<unknown>; end(): Promise<void> } {
  const { host, user, database, region } = rds
  const options = { host, port, user, database, ssl: { ca }, iam: { region, timeoutMs: 1_000 } }
  if (rds.engine === 'postgres') {
    const pool = new pg.Pool({
      ...pgConfig(options),
      max: LOGINS_AT_ONCE,
      maxUses: 1,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    })
    return { logIn: () => pool.query('select 1'), end: () => pool.end() }
  }
  const pool = mysql.createPool({
    ...mysql2Config(options),
    connectionLimit: LOGINS_AT_ONCE,
    connectTimeout: CONNECT_TIMEOUT_MS,
  })
  return {
    async logIn() {
      const connection = await pool.getConnection()
      await connection.query('select 1')
      connection.destroy()
    },
    end: () => pool.end(),
  }
}

function randomCut(): Fault {
  const at = CUT_POINTS[randomInt(CUT_POINTS.length)] ?? 'accepted'
  const way = CUT_WAYS[randomInt(CUT_WAYS.length)] ?? 'close'
  return { at, way }
}

function heap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
