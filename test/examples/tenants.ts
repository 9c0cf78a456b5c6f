import { pgConfig } from '@rds-iam/core/pg'
import pg from 'pg'

const pools = new Map<string, pg.Pool>()

/** The pool of a tenant. Its database user has rights only to the data of this tenant. */
function poolOf(user: string): pg.Pool {
  let pool = pools.get(user)
  if (!pool) {
    const config = pgConfig({ host: process.env.DB_HOST, user, database: 'app' })
    // Few connections for each tenant, none for an idle one.
    pool = new pg.Pool({ ...config, max: 2, idleTimeoutMillis: 10_000 })
    pools.set(user, pool)
  }
  return pool
}

const tenants = ['tenant_a', 'tenant_b', 'tenant_c']
const results = await Promise.all(tenants.map((user) => poolOf(user).query('select 1 as one')))
console.log(results.map(({ rows }) => rows))
await Promise.all([...pools.values()].map((pool) => pool.end()))
