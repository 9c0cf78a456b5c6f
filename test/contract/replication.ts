import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Adapter, LoginOptions, RunSql } from './adapter'
import { startEndpoint, type TestEndpoint } from './endpoint'
import { nextMessages } from './outcome'

/** One library's database handle that writes to one endpoint and reads from another. */
export interface ReplicatedDatabase {
  write: RunSql
  read: RunSql
  close(): Promise<void>
}

/** Opens a database and its read replica with one library and IAM logins. */
export interface ReplicatedAdapter {
  engine: Adapter['engine']
  open(writer: LoginOptions, reader: LoginOptions): ReplicatedDatabase
}

/**
 * Tests that a library with a read replica logs in to each endpoint with a token for that endpoint. Each of the two
 * endpoints accepts only tokens for its own port.
 */
export function testReplication(name: string, { engine, open }: ReplicatedAdapter): void {
  describe(`${name} with a read replica`, () => {
    let writer: TestEndpoint
    let reader: TestEndpoint
    let db: ReplicatedDatabase | undefined

    beforeEach(async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
      writer = await ownPortOnly(await startEndpoint({ engine }))
      reader = await ownPortOnly(await startEndpoint({ engine }))
      reader.setIdentities([writer.identity])
    })
    afterEach(async () => {
      vi.useRealTimers()
      await db?.close()
      await writer.close()
      await reader.close()
    })

    it('logs in to each endpoint with its own token, also when the first tokens have expired', async () => {
      const shared = { iam: writer.options.iam ?? {}, ssl: { ca: [writer.ca, reader.ca] } }
      db = open({ ...writer.options, ...shared }, { ...reader.options, ...shared })
      await readAndWrite(db)
      vi.setSystemTime(Date.now() + 16 * 60_000)
      const lost = nextMessages('rds-iam:connection.lost', writer.openConnections + reader.openConnections)
      writer.dropConnections()
      reader.dropConnections()
      await lost
      await readAndWrite(db)
      for (const { logins } of [writer, reader]) {
        expect(logins.length).toBeGreaterThan(1)
        expect(new Set(logins.map(({ verdict }) => verdict))).toEqual(new Set(['accepted']))
      }
    })
  })

  async function readAndWrite(db: ReplicatedDatabase): Promise<void> {
    expect(await db.read('select 1 as one')).toMatchObject([{ one: 1 }])
    await db.write('select 2 as two')
  }
}

async function ownPortOnly(endpoint: TestEndpoint): Promise<TestEndpoint> {
  await endpoint.configure({ endpoints: [`localhost:${endpoint.port}`] })
  return endpoint
}
