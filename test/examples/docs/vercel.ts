import { pgConfig } from '@rds-iam/core/pg'
import { attachDatabasePool } from '@vercel/functions'
import { awsCredentialsProvider } from '@vercel/oidc-aws-credentials-provider'
import pg from 'pg'

// Outside the handler: all requests of an instance share one pool and one provider.
const credentials = awsCredentialsProvider({
  roleArn: process.env.AWS_ROLE_ARN ?? 'arn:aws:iam::123456789012:role/database-login',
})
const config = pgConfig({
  host: process.env.DB_HOST,
  user: 'jane_doe',
  database: 'app',
  iam: { credentials },
})
const pool = new pg.Pool({ ...config, max: 5, idleTimeoutMillis: 5_000 })
// Vercel then suspends the instance only after the pool has closed its idle connections.
attachDatabasePool(pool)

export async function GET() {
  const { rows } = await pool.query('select current_user')
  return Response.json(rows)
}
