import { mysql2Connection, pgConnection } from '@rds-iam/knex'
import knex from 'knex'

const options = {
  host: 'mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com',
  user: 'jane_doe',
  database: 'app',
}
const postgres = knex({ client: 'pg', connection: pgConnection(options) })
const mysql = knex({ client: 'mysql2', connection: mysql2Connection(options) })

// When the application stops:
await postgres.destroy()
await mysql.destroy()
