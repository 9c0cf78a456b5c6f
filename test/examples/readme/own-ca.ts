import { readFileSync } from 'node:fs'
import { pgConnection } from '@rds-iam/knex'
import knex from 'knex'

// curl -O https://truststore.pki.rds.amazonaws.com/mx-central-1/mx-central-1-bundle.pem
const ca = readFileSync(process.env.CA_FILE ?? 'mx-central-1-bundle.pem', 'utf8')
const db = knex({
  client: 'pg',
  connection: pgConnection({ host: process.env.DB_HOST, user: 'jane_doe', database: 'app', ssl: { ca } }),
})
console.log(await db.select(db.raw('current_user')))
await db.destroy()
