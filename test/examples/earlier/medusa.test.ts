import { EntitySchema, knex, MikroORM, type Knex } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startEndpoint, type TestEndpoint } from '../../contract/endpoint'
import { ours } from '../../contract/outcome'

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

/** Creates the connection as Medusa 2.21 does, which passes on only these options. */
async function createPgConnection(databaseUrl?: string): Promise<Knex> {
  const { database } = await import('./medusa')
  const { dynamicPassword, ssl } = database.databaseDriverOptions
  const connection = { connectionString: databaseUrl, ssl: { ...ssl, ca: rds.ca }, password: dynamicPassword }
  const pool = { min: 1, propagateCreateError: false }
  return knex({ client: 'pg', searchPath: 'public', connection: connection as Knex.PgConnectionConfig, pool })
}

it('logs in when MIKRO_ORM_DB_NAME and the PG variables replace databaseUrl', async () => {
  vi.stubEnv('MIKRO_ORM_DB_NAME', rds.database)
  const connection = await createPgConnection()
  // Each module of Medusa makes a MikroORM with this connection and its URL, which is undefined.
  const orm = await MikroORM.init({ entities: [Item], connect: false, driverOptions: connection })
  await orm.schema.createSchema()
  const em = orm.em.fork()
  em.create(Item, { id: 1 })
  await em.flush()
  expect(await orm.em.fork().count(Item)).toBe(1)
  await orm.schema.dropSchema()
  await orm.close()
  await connection.destroy()
  expect(new Set(rds.logins.map(({ verdict }) => verdict))).toEqual(new Set(['accepted']))
})

it('does not call dynamicPassword when there is a databaseUrl', async () => {
  const { host, port, user, database } = rds
  const connection = await createPgConnection(`postgres://${user}@${host}:${port}/${database}`)
  const failure = new Promise<Error>((resolve) =>
    connection.client.pool.on('createFail', (_: number, error: Error) => resolve(error)),
  )
  // The query itself waits for the pool's time limit.
  const query = connection.raw('select 1').then(null, () => {})
  const error = await failure
  expect(error).toMatchObject({ code: '28000' })
  expect(ours(error)).toBeUndefined()
  await connection.destroy()
  await query
})
