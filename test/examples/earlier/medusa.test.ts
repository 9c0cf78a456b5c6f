import { EntitySchema, MikroORM, knex } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../../contract/endpoint'
import { ours, rejection } from '../../contract/outcome'

// MikroORM refuses to start when the package.json of the current folder names another version.
process.env['MIKRO_ORM_ALLOW_VERSION_MISMATCH'] = '1'

const Item = new EntitySchema<{ id: number }>({
  name: 'Item',
  tableName: 'medusa_items',
  properties: { id: { type: 'integer', primary: true } },
})

let rds: TestEndpoint
beforeAll(async () => {
  rds = await startEndpoint({ engine: 'postgres' })
  const { host, port, user, database } = rds
  const login = { PGHOST: host, PGPORT: `${port}`, PGUSER: user, PGDATABASE: database }
  for (const [name, value] of Object.entries({ ...rds.env, ...login })) vi.stubEnv(name, value)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await rds.close()
})

/** Opens a database as Medusa 2.21 does: it passes on only these options, and gives its knex to each module's MikroORM. */
async function openAsMedusa(databaseUrl?: string) {
  const { database } = await import('./medusa')
  const { dynamicPassword, ssl } = database.databaseDriverOptions
  const connection = { connectionString: databaseUrl, ssl: { ...ssl, ca: rds.ca }, password: dynamicPassword }
  const shared = knex({ client: 'pg', searchPath: 'public', connection, pool: { min: 1, propagateCreateError: false } })
  return { shared, clientUrl: (shared.client.config as { connection: typeof connection }).connection.connectionString }
}

it('logs in when MIKRO_ORM_DB_NAME and the PG variables replace databaseUrl', async () => {
  vi.stubEnv('MIKRO_ORM_DB_NAME', rds.database)
  const { shared, clientUrl } = await openAsMedusa()
  expect(await shared.raw('select 1 as one')).toMatchObject({ rows: [{ one: 1 }] })
  const orm = await MikroORM.init({ entities: [Item], connect: false, clientUrl, driverOptions: shared })
  await orm.schema.createSchema()
  const em = orm.em.fork()
  em.create(Item, { id: 1 })
  await em.flush()
  expect(await orm.em.fork().count(Item)).toBe(1)
  await orm.schema.dropSchema()
  await orm.close()
  await shared.destroy()
  expect(new Set(rds.logins.map(({ verdict }) => verdict))).toEqual(new Set(['accepted']))
})

it('does not call dynamicPassword when there is a databaseUrl', async () => {
  const { host, port, user, database } = rds
  const { shared } = await openAsMedusa(`postgres://${user}@${host}:${port}/${database}`)
  shared.client.pool.on('createFail', (_: unknown, error: Error) => failed(error))
  let failed: (error: Error) => void = () => {}
  const failure = new Promise<Error>((resolve) => (failed = resolve))
  const query = shared.raw('select 1').then(null, () => {})
  const error = await failure
  expect(error).toMatchObject({ code: '28000' })
  expect(ours(error)).toBeUndefined()
  await shared.destroy()
  await query
})
