import { pgConfig } from '@rds-iam/core/pg'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'

// Outside the handler: the connection outlives an invocation, and a new connection gets a new token.
const pool = new pg.Pool(pgConfig({ host: process.env.DB_HOST, user: 'jane_doe', database: 'app', max: 1 }))
const db = drizzle({ client: pool })

export async function handler() {
  const { rows } = await db.execute(sql`select current_user`)
  return rows
}
