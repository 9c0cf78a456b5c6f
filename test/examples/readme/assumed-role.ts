import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { pgConnection } from '@rds-iam/knex'
import knex from 'knex'

const credentials = fromTemporaryCredentials({
  params: { RoleArn: 'arn:aws:iam::123456789012:role/database-login', RoleSessionName: 'shop' },
})
const db = knex({
  client: 'pg',
  connection: pgConnection({
    host: process.env.DB_HOST,
    user: 'jane_doe',
    database: 'app',
    iam: { credentials },
  }),
})
console.log(await db.select(db.raw('current_user')))
await db.destroy()
