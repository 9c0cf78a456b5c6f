import { pgConfig } from '@rds-iam/core/pg'

// Both logins, until every deployment has changed: by IAM where DB_LOGIN says so, else as before.
export const login =
  process.env.DB_LOGIN === 'iam'
    ? pgConfig({ host: process.env.DB_HOST, user: process.env.DB_USER ?? 'app_iam', database: 'app' })
    : { connectionString: process.env.DATABASE_URL ?? '' }
