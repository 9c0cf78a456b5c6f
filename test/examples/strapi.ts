import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'

// config/database.ts
interface Env {
  (name: string, fallback: string): string
  int(name: string, fallback: number): number
}

export default function database({ env }: { env: Env }) {
  const login = {
    host: env('DATABASE_HOST', 'localhost'),
    user: env('DATABASE_USERNAME', 'strapi'),
    database: env('DATABASE_NAME', 'strapi'),
  }
  const pool = { min: env.int('DATABASE_POOL_MIN', 0), max: env.int('DATABASE_POOL_MAX', 10) }
  const connections = {
    postgres: () => ({
      client: 'postgres',
      connection: pgConfig({ ...login, port: env.int('DATABASE_PORT', 5432) }),
      pool,
    }),
    mysql: () => ({
      client: 'mysql',
      connection: mysql2Config({ ...login, port: env.int('DATABASE_PORT', 3306) }),
      pool,
    }),
  }
  return { connection: connections[env('DATABASE_CLIENT', 'postgres') as keyof typeof connections]() }
}
