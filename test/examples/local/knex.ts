import { pgConnection } from '@rds-iam/knex'
import { startLocalRds } from '@rds-iam/local'
import knex from 'knex'

const rds = await startLocalRds()
Object.assign(process.env, rds.env)
const { host, port, user, database, ca } = rds
const db = knex({
  client: 'pg',
  connection: pgConnection({ host, port, user, database, ssl: { ca } }),
})
console.log((await db.raw('select current_user')).rows)
await db.destroy()
await rds.close()
