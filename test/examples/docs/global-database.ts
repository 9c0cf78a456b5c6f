import { pgConfig } from '@rds-iam/core/pg'
import pg from 'pg'

const pool = new pg.Pool(
  pgConfig({
    host: process.env.DB_HOST ?? 'myglobal.global-abcdefghijkl.global.rds.amazonaws.com',
    user: 'jane_doe',
    database: 'app',
    iam: { followCname: true },
  }),
)
console.log((await pool.query('select current_user')).rows)
await pool.end()
