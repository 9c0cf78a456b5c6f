// Opens the database of strapi.ts as Strapi 5 does, with the client of the first argument.
import knex, { type Knex } from 'knex'
import database from './strapi'

const [, , client = ''] = process.argv
const { DB_PORT, PGPORT } = process.env
const variables: Record<string, string | undefined> = {
  DATABASE_CLIENT: client,
  DATABASE_PORT: client === 'mysql' ? DB_PORT : PGPORT,
  DATABASE_USERNAME: 'jane_doe',
  DATABASE_NAME: 'app',
}
const env = Object.assign((name: string, fallback: string) => variables[name] ?? fallback, {
  int: (name: string, fallback: number) => Number(variables[name] ?? fallback),
})

const { connection: config } = database({ env })
if (client === 'mysql')
  Object.assign(config.connection, { supportBigNumbers: true, bigNumberStrings: true, typeCast: true })
const db = knex({
  ...config,
  client: { postgres: 'pg', mysql: 'mysql2' }[config.client] ?? '',
  pool: {
    ...config.pool,
    // Strapi sends its first statements with the new connection.
    afterCreate: (connection: unknown, done: (error: unknown, connection: unknown) => void) =>
      db
        .raw('select 1')
        .connection(connection)
        .asCallback((error: unknown) => done(error, connection)),
  },
} satisfies Knex.Config)
console.log((await db.raw('select 2')) && 'queried')
await db.destroy()
