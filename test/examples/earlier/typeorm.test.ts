import { knex } from '@mikro-orm/mysql'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { DataSource } from 'typeorm'
import { expect, it } from 'vitest'
import { startEndpoint } from '../../contract/endpoint'
import { testExample } from '../run-example'

testExample('earlier/typeorm', ['mysql'])

// docs/troubleshooting.md names this error.
it('fails with ER_NOT_SUPPORTED_AUTH_MODE when TypeORM 0.3 takes the package mysql', async () => {
  const rds = await startEndpoint({ engine: 'mysql' })
  const source = new DataSource({ type: 'mysql', extra: mysql2Config(rds.options) })
  await expect(source.initialize()).rejects.toMatchObject({ code: 'ER_NOT_SUPPORTED_AUTH_MODE' })
  await rds.close()
})

it("fails with ER_NOT_SUPPORTED_AUTH_MODE when knex has client: 'mysql'", async () => {
  const rds = await startEndpoint({ engine: 'mysql' })
  const db = knex({ client: 'mysql', connection: mysql2Config(rds.options), log: { warn() {} } })
  await expect(db.raw('select 1')).rejects.toMatchObject({ code: 'ER_NOT_SUPPORTED_AUTH_MODE' })
  await db.destroy()
  await rds.close()
})
