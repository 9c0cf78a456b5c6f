import { mysql2Config } from '@rds-iam/core/mysql2'
import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import knex from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../contract/endpoint'

describe('knex', () => {
  let rds: TestEndpoint
  beforeEach(async () => {
    rds = await startEndpoint({ engine: 'mysql' })
  })
  afterEach(async () => {
    await rds.close()
  })

  it('reads columns as its first call when it has a static mysql2 connection', async () => {
    const db = knex({ client: 'mysql2', connection: mysql2Config(rds.options), pool: { min: 0 } })
    try {
      expect(await db('information_schema.schemata').columnInfo()).toEqual({})
      expect(rds.logins).toMatchObject([{ verdict: 'accepted' }])
    } finally {
      await db.destroy()
    }
  })

  it('returns a new object at each call, because knex deletes a key of it', async () => {
    for (const connection of [pgConnection(rds.options), mysql2Connection(rds.options)]) {
      const [one, other] = [await connection(), await connection()]
      expect(one).not.toBe(other)
      expect(one).toEqual(other)
      expect(one).not.toHaveProperty('iam')
      expect(Object.isFrozen(one)).toBe(false)
    }
  })
})
