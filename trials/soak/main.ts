import { parseArgs } from 'node:util'
import { findMysqlServer } from '@rds-iam/local'
import { startTestMysql } from '../../test/servers/mysql'
import { soak } from './soak'

const { values } = parseArgs({ options: { logins: { type: 'string', default: '20000' } } })
const each = Math.ceil(Number(values.logins) / 2)
const mysql = process.env['MYSQL_URL'] || findMysqlServer() ? undefined : await startTestMysql()

const figures = [
  await soak('postgres', process.env['POSTGRES_URL'], each),
  await soak('mysql', process.env['MYSQL_URL'] ?? mysql?.url, each),
]
await mysql?.stop()
console.table(
  figures.map((row) => ({
    ...row,
    seconds: row.seconds.toFixed(1),
    heapGrowthMb: row.heapGrowthMb.toFixed(1),
  })),
)
process.exitCode = figures.some(({ failed }) => failed > 0) ? 1 : 0
