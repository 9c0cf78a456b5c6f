import { createServer } from 'node:http'
import { pgConfig } from '@rds-iam/core/pg'
import pg from 'pg'
import { diagnose } from 'rds-iam'

const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }
const pool = new pg.Pool({ ...pgConfig(login), max: 5 })

async function logCauses() {
  const { causes } = await diagnose(login)
  for (const { code, why, fix } of causes) console.error(`${code}: ${why}\n${fix}`)
}

let diagnosis: Promise<void> | undefined
const server = createServer(async (_, response) => {
  try {
    await pool.query('select 1')
    response.writeHead(200).end()
  } catch {
    response.writeHead(503).end()
    // Run one diagnosis at a time, and do not wait for it: the load balancer needs its answer now.
    diagnosis ??= logCauses()
      .catch(console.error)
      .finally(() => (diagnosis = undefined))
  }
})
server.listen(process.env.PORT ?? 8080, () => console.log('listening:', server.address()))
