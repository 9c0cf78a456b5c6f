import { pgConnection } from '@rds-iam/knex'
import knex from 'knex'

// ssh -N -L 6543:mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com:5432 bastion
const db = knex({
  client: 'pg',
  connection: pgConnection({
    host: 'localhost',
    port: Number(process.env.TUNNEL_PORT ?? 6543),
    user: 'jane_doe',
    database: 'app',
    iam: { endpoint: 'mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com:5432' },
  }),
})
console.log(await db.select(db.raw('current_user')))
await db.destroy()
