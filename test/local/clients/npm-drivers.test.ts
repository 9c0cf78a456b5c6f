import { createConnection } from 'mariadb'
import postgres from 'postgres'
import { testClient } from './contract'
import { tokenOf } from './token'

testClient('postgres.js', 'postgres', async (attempt) => {
  const { rds, tls, ca } = attempt
  const { host, port, user, database } = rds
  const ssl = tls ? { ca } : false
  const sql = postgres({ host, port, user, database, ssl, max: 1, password: () => tokenOf(attempt) })
  try {
    const [row] = await sql`select 40 + 2 as answer`
    return String(row?.['answer'])
  } finally {
    await sql.end()
  }
})

testClient('the mariadb driver', 'mysql', async (attempt) => {
  const { rds, tls, ca } = attempt
  const { host, port, user, database } = rds
  const password = await tokenOf(attempt)
  const session = await createConnection({
    host,
    port,
    user,
    database,
    password,
    ssl: tls ? { ca } : false,
  })
  const [row] = await session.query<{ answer: bigint }[]>('select 40 + 2 as answer')
  await session.end()
  return String(row?.answer)
})
