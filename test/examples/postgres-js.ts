import { postgresConfig } from '@rds-iam/core/postgres'
import postgres from 'postgres'

const config = postgresConfig({ host: process.env.DB_HOST, user: 'jane_doe', database: 'app' })

// Each new connection gets its own token, now or next week.
const sql = postgres({ ...config, max: 20 })
console.log(await sql`select current_user`)

const total = await sql.begin(async (tx) => {
  await tx`create temporary table orders (item text, price int) on commit drop`
  await tx`insert into orders ${tx([
    { item: 'tea', price: 3 },
    { item: 'milk', price: 2 },
  ])}`
  return tx`select sum(price)::int as total from orders`
})
console.log(total)

// LISTEN has its own connection, which logs in the same way.
const heard = new Promise((resolve) => void sql.listen('orders', resolve, () => sql.notify('orders', 'tea')))
console.log(await heard)
await sql.end()

// Several hosts, of which postgres.js uses the first that matches. Each connection's token is for its own host.
const replicas = postgres({
  ...postgresConfig({
    host: [process.env.DB_REPLICA_HOST ?? config.host, config.host].join(),
    user: 'jane_doe',
    database: 'app',
  }),
  target_session_attrs: 'primary',
})
console.log(await replicas`select 1 as one`)
await replicas.end()
