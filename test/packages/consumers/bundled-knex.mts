// Bundled by esbuild and run where nothing is installed: it has to carry all that it needs.
import { createTokenProvider } from '@rds-iam/core'
import { pgConnection } from '@rds-iam/knex'
import { knex } from 'knex'

const login = { host: '127.0.0.1', port: 1, user: 'app' }

async function main(): Promise<void> {
  const { value } = await createTokenProvider({ ...login, region: 'eu-west-1' }).getToken()
  if (!value.includes('X-Amz-Signature=')) throw new Error('no token')

  // Nothing listens there: a query that is refused has found the driver, and our configuration of it.
  const connection = pgConnection({ ...login, iam: { region: 'eu-west-1' } })
  const db = knex({ client: 'pg', connection, log: { warn: () => undefined } })
  const code = await db.raw('select 1').catch((error: { code?: unknown }) => error.code)
  if (code !== 'ECONNREFUSED') throw new Error(`not dialled: ${code}`)
  await db.destroy()
}

void main()
