import { pgConnection } from '@rds-iam/knex'
import knex, { type Knex } from 'knex'

const connection = pgConnection({ host: process.env.DB_HOST, user: 'jane_doe', database: 'app' })

/** Opens the database of one plugin, which has its tables in a schema of its own. */
export async function openDatabase(pluginId: string): Promise<Knex> {
  const db = knex({
    client: 'pg',
    connection,
    searchPath: [pluginId],
    pool: { min: 0, max: 5 },
    useNullAsDefault: true,
  })
  await db.schema.createSchemaIfNotExists(pluginId)
  return db
}
