import { pgConfig } from '@rds-iam/core/pg'

const { password, ssl } = pgConfig({ host: process.env.PGHOST, user: process.env.PGUSER })

export const database = {
  // Unset on a server, so that pg reads PGHOST, PGPORT, PGUSER and PGDATABASE. `rds-iam exec` sets it for commands.
  databaseUrl: process.env.DATABASE_URL,
  databaseDriverOptions: { dynamicPassword: password, ssl },
}
