import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import mysql from 'mysql2/promise'
import pg from 'pg'

const host = 'mydb.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com'
const pool = new pg.Pool(pgConfig({ host, user: 'jane_doe', database: 'app' }))
const mysqlPool = mysql.createPool(mysql2Config({ host, user: 'jane_doe', database: 'app' }))

// When the application stops:
await pool.end()
await mysqlPool.end()
