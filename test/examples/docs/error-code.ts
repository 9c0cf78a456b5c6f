import { isRdsIamError, type RdsIamError } from '@rds-iam/core'
import { pgConfig } from '@rds-iam/core/pg'
import pg from 'pg'

/** The rds-iam error in an error's chain of causes, if there is one. */
function rdsIamErrorOf(error: unknown): RdsIamError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (isRdsIamError(at)) return at
  return undefined
}

const pool = new pg.Pool(pgConfig({ host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }))
try {
  await pool.query('select 1')
} catch (error) {
  console.log((error as Error).message)
  const found = rdsIamErrorOf(error)
  console.log(found ? `${found.code}: ${found.message}` : 'not an error of rds-iam')
} finally {
  await pool.end()
}
