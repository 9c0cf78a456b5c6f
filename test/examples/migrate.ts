import { pgConfig } from '@rds-iam/core/pg'

// Logs in by IAM where DB_LOGIN says so, and by password elsewhere, until every deployment has changed.
export const login =
  process.env.DB_LOGIN === 'iam'
    ? pgConfig({ host: process.env.DB_HOST, user: process.env.DB_USER ?? 'app_iam', database: 'app' })
    : { connectionString: process.env.DATABASE_URL ?? '' }
