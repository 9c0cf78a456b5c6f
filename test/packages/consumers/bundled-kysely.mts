// Bundled by esbuild and run where nothing is installed: it has to carry all that it needs.
import { postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, PostgresDialect, sql } from 'kysely'

async function main(): Promise<void> {
  // Nothing listens there: a query that is refused has found the driver, and our configuration of it.
  const login = { host: '127.0.0.1', port: 1, user: 'app', iam: { region: 'eu-west-1' } }
  const db = new Kysely<unknown>({ dialect: new PostgresDialect(postgresDialectConfig(login)) })
  const code = await sql`select 1`.execute(db).catch((error: { code?: unknown }) => error.code)
  if (code !== 'ECONNREFUSED') throw new Error(`not dialled: ${code}`)
  await db.destroy()
}

void main()
