import { postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, PostgresDialect, sql } from 'kysely'

// ssh -N -L 6543:mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com:5432 bastion
const config = postgresDialectConfig({
  host: 'localhost',
  port: Number(process.env.TUNNEL_PORT ?? 6543),
  user: 'jane_doe',
  database: 'app',
  iam: { endpoint: 'mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com:5432', profile: 'dev' },
})
const db = new Kysely({ dialect: new PostgresDialect(config) })

console.log(await sql`select current_user`.execute(db))
await db.destroy()
