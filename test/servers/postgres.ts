import { startPostgres, type DatabaseServer } from '@rds-iam/local'

/** A PostgreSQL server for the tests: POSTGRES_URL, or an embedded one. */
export async function startTestPostgres(): Promise<DatabaseServer> {
  const given = process.env['POSTGRES_URL']
  return given ? { url: given, stop: async () => {} } : startPostgres()
}
