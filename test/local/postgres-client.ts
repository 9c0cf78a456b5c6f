import type { LocalRds } from '@rds-iam/local'
import pg from 'pg'
import { sign } from './sign'

/** A connected client with a token for its user; parts of the configuration may be replaced. */
export async function pgClient(rds: LocalRds, config: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({
    host: 'localhost',
    port: rds.port,
    user: rds.user,
    database: rds.database,
    password: () => sign(rds, { user: config.user ?? rds.user }),
    ssl: { ca: rds.ca },
    ...config,
  })
  await client.connect()
  return client
}
