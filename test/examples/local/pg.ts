import { Signer } from '@aws-sdk/rds-signer'
import { startLocalRds } from '@rds-iam/local'
import pg from 'pg'

const rds = await startLocalRds()
Object.assign(process.env, rds.env)
const { host, port, user, database, ca } = rds
const signer = new Signer({ hostname: host, port, username: user, region: rds.region })
const pool = new pg.Pool({ host, port, user, database, ssl: { ca }, password: () => signer.getAuthToken() })
console.log((await pool.query('select current_user')).rows)
await pool.end()
await rds.close()
