import dns from 'node:dns'
import { pgConfig } from '@rds-iam/core/pg'
import { startLocalCluster } from '@rds-iam/local'
import pg from 'pg'

const cluster = await startLocalCluster({ engine: 'postgres', instances: 2 })
Object.assign(process.env, cluster.env)
// local.cluster-….us-east-1.rds.amazonaws.com and local.cluster-ro-….us-east-1.rds.amazonaws.com
console.log(cluster.host, cluster.readerHost)
// [{ id: 'local-1', host: 'local-1.…', address: '127.0.0.11', isWriter: true, endpoint }, …]
console.log(cluster.instances.map(({ id, address, isWriter }) => ({ id, address, isWriter })))

const known = new Map([[cluster.host, cluster.addresses(cluster.host)]]) // stale until you change it
const { lookup } = dns
dns.lookup = (host, options, done) => {
  const addresses = known.get(host) ?? cluster.addresses(host)
  if (!addresses) return lookup(host, options, done)
  if (options.all)
    done(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    )
  else done(null, addresses[0], 4)
}

// The values have the same meaning as those of startLocalRds, and are the same for all instances.
const { host, port, user, database, ca } = cluster
const pool = new pg.Pool(pgConfig({ host, port, user, database, ssl: { ca } }))
const writer = 'select aurora_db_instance_identifier() as writer'
console.log((await pool.query(writer)).rows)
await cluster.failover() // the writer dies, a reader is promoted, the old writer comes back as a reader
console.log((await pool.query(writer)).rows) // DNS still leads to the old writer
await cluster.switchover({ to: 'local-1' }) // the same, but the server shuts down while clients are connected
const thaw = await cluster.freeze() // the writer hangs: nothing is answered
await thaw()
await pool.end()
await cluster.close()
