import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Adapter, Database, LoginOptions } from './adapter'
import { messages, ours, rejection, startEndpoint, type TestEndpoint } from './endpoint'

const MINUTE_MS = 60_000

/** What every adapter promises, on a real server behind an endpoint that verifies tokens. */
export function testAdapter(name: string, { engine, open, driverError = (error) => error }: Adapter): void {
  describe(name, () => {
    const opened: { close(): Promise<void> }[] = []
    let rds: TestEndpoint

    async function endpoint(
      options: Partial<Parameters<typeof startEndpoint>[0]> = {},
    ): Promise<TestEndpoint> {
      const started = await startEndpoint({ engine, ...options })
      opened.push(started)
      return started
    }
    function database(options: Partial<LoginOptions> = {}, max = 4, at = rds): Database {
      const db = open({ ...at.options, ...options }, max)
      opened.unshift(db)
      return db
    }
    async function close(db: Database): Promise<void> {
      opened.splice(opened.indexOf(db), 1)
      await db.close()
    }

    beforeEach(async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now(), shouldAdvanceTime: true })
      rds = await endpoint()
    })
    afterEach(async () => {
      vi.useRealTimers()
      for (const one of opened.splice(0)) await one.close()
    })

    it('logs in and queries', async () => {
      expect(await database().sql('select 6 * 7 as answer')).toMatchObject([{ answer: 42 }])
      expect(rds.logins).toMatchObject([{ verdict: 'accepted', user: rds.user }])
    })

    it('commits and rolls back', async () => {
      const db = database()
      const table = `contract_${process.pid}_${rds.port}`
      await db.sql(`create table ${table} (id int)`)
      try {
        await db.transaction((sql) => sql(`insert into ${table} values (1)`))
        const failed = db.transaction(async (sql) => {
          await sql(`insert into ${table} values (2)`)
          throw new Error('changed my mind')
        })
        expect((await rejection(failed)).message).toContain('changed my mind')
        expect(await db.sql(`select id from ${table}`)).toEqual([{ id: 1 }])
      } finally {
        await db.sql(`drop table ${table}`)
      }
    })

    it('grows a pool to 20 at once with one token and one credential look-up', async () => {
      const db = database({}, 20)
      await hold(db, 20)
      expect(rds.logins).toHaveLength(20)
      expect(rds.lookups()).toBe(1)
    })

    it('keeps open connections after their token has ended, and logs new ones in with a fresh one', async () => {
      const db = database()
      const session = await db.transaction(async (sql) => {
        const before = await sessionOf(sql)
        vi.setSystemTime(Date.now() + 16 * MINUTE_MS)
        expect(await sessionOf(sql)).toBe(before)
        return before
      })
      expect(await sessionOf(db.sql)).toBe(session)
      await hold(db, 4)
      expect(rds.logins.map(({ verdict }) => verdict)).toEqual(Array(4).fill('accepted'))
      expect(rds.lookups()).toBe(2)
    })

    it('lets the refusal of a token through as the server gave it, with our reasons as its cause', async () => {
      const credentials = { accessKeyId: 'AKIDNOBODY', secretAccessKey: 'nobody' }
      const db = database({ iam: { region: rds.region, credentials } })
      const error = driverError(await rejection(db.sql('select 1')))
      expect(error).toMatchObject(engine === 'postgres' ? { code: '28000' } : { errno: 1045 })
      expect(ours(error)?.code).toBe('LOGIN_REFUSED')
      expect(new Set(rds.logins.map(({ verdict }) => verdict))).toEqual(new Set(['refused']))
      await close(db)
      await rds.allClosed()
    })

    it('sends no token to a server that offers no TLS', async () => {
      const plain = await endpoint({ tls: false })
      const db = database({}, 4, plain)
      await rejection(db.sql('select 1'))
      await close(db)
      await plain.allClosed()
      expect(plain.logins).toEqual([])
    })

    it('sends no token to a server whose certificate authority is unknown', async () => {
      const other = await endpoint()
      const db = database({ ssl: { ca: other.ca } })
      const error = driverError(await rejection(db.sql('select 1')))
      // A driver that lets such a server pass is stopped by us.
      expect(ours(error)?.code ?? 'TLS_REQUIRED').toBe('TLS_REQUIRED')
      await close(db)
      await rds.allClosed()
      expect(rds.logins).toEqual([])
    })

    it('sends no token to a server whose certificate is for another host name', async () => {
      const other = await endpoint({ endpoints: [OTHER_ENDPOINT] })
      const db = database({}, 4, other)
      await rejection(db.sql('select 1'))
      await close(db)
      await other.allClosed()
      expect(other.logins).toEqual([])
    })

    it('logs in through a tunnel by the name of the endpoint behind it', async () => {
      const behind = await endpoint({ endpoints: [`${ENDPOINT}:6000`] })
      const { region: _, ...iam } = behind.options.iam ?? {}
      const db = database({ iam: { ...iam, endpoint: `${ENDPOINT}:6000` } }, 4, behind)
      await hold(db, 4)
      expect(behind.logins.map(({ verdict }) => verdict)).toEqual(Array(4).fill('accepted'))
    })

    it('sends no token through a tunnel that ends at another endpoint', async () => {
      const behind = await endpoint({ endpoints: [OTHER_ENDPOINT, 'localhost'] })
      const db = database({ iam: { ...behind.options.iam, endpoint: ENDPOINT } }, 4, behind)
      await rejection(db.sql('select 1'))
      await close(db)
      await behind.allClosed()
      expect(behind.logins).toEqual([])
    })

    it('fails with our error when there are no credentials, and leaves nothing open', async () => {
      const none = () => Promise.reject(new Error('no identity here'))
      const db = database({ iam: { region: rds.region, credentials: none } })
      const error = driverError(await rejection(db.sql('select 1')))
      expect(ours(error)).toMatchObject({
        code: 'CREDENTIALS_UNAVAILABLE',
        cause: { message: 'no identity here' },
      })
      await close(db)
      await rds.allClosed()
      expect(rds.logins).toEqual([])
    })

    it('outlives a server that closes idle connections', async () => {
      const db = database()
      await hold(db, 2)
      const lost = messages('rds-iam:connection.lost', 2)
      rds.dropConnections()
      await lost
      expect(await db.sql('select 1 as one')).toMatchObject([{ one: 1 }])
    })

    it('logs in again after the server has refused a token', async () => {
      const db = database()
      rds.setIdentities([])
      await rejection(db.sql('select 1'))
      rds.setIdentities([rds.identity])
      expect(await db.sql('select 1 as one')).toMatchObject([{ one: 1 }])
      // No refused token was tried again: credentials were looked up anew.
      expect(rds.lookups()).toBe(rds.logins.length)
    })
  })

  async function sessionOf(sql: Database['sql']): Promise<unknown> {
    const [row] = await sql(
      `select ${engine === 'postgres' ? 'pg_backend_pid()' : 'connection_id()'} as session`,
    )
    return row?.['session']
  }
}

const ENDPOINT = 'db.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'
const OTHER_ENDPOINT = 'other.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com'

/** Holds a number of connections open at the same time. */
async function hold(db: Database, count: number): Promise<void> {
  let waiting = 0
  let release: () => void
  const all = new Promise<void>((resolve) => (release = resolve))
  await Promise.all(
    Array.from({ length: count }, () =>
      db.transaction(async (sql) => {
        await sql('select 1')
        if (++waiting === count) release()
        await all
      }),
    ),
  )
}
