import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import mysql from 'mysql2/promise'
import pg from 'pg'

export const openPostgres = (host: string) =>
  new pg.Pool(pgConfig({ host, user: 'jane_doe', database: 'app' }))
export const openMysql = (host: string) =>
  mysql.createPool(mysql2Config({ host, user: 'jane_doe', database: 'app' }))
