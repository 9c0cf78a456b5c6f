import { pgConfig } from '@rds-iam/core/pg'
import { startLocalRds } from '@rds-iam/local'
import pg from 'pg'

const rds = await startLocalRds({ clockOffsetMs: 901_000 }) // each token has expired
Object.assign(process.env, rds.env)
rds.events.on('login', ({ user, verdict, reason }) => console.log(user, verdict, reason))

const { host, port, user, database, ca } = rds
const pool = new pg.Pool(pgConfig({ host, port, user, database, ssl: { ca } }))
await pool.query('select 1').catch((error) => console.log(error.message))
console.log(rds.logins) // [{ time, user, accessKeyId, verdict: 'refused', reason: 'TOKEN_EXPIRED', detail: 'signed 901 s ago, …' }]

await rds.configure({ clockOffsetMs: 0, maxConnectionsPerSecond: 200 })
console.log((await pool.query('select current_user')).rows)
rds.dropConnections() // as a failover does
await rds.suspend() // connections are closed and refused until rds.resume()
await rds.resume()
rds.freeze() // nothing is answered until rds.thaw()
rds.thaw()
await rds.configure({ users: ['report'], endpoints: ['localhost'], region: 'eu-west-1' })
await rds.configure({
  identities: [{ accessKeyId: 'AKIATEST', secretAccessKey: 'secret', users: ['report'] }],
})
await pool.end()
await rds.close()
