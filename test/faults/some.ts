import { startTestMysql } from '../servers/mysql'
import { startTestPostgres } from '../servers/postgres'
import { allCells, titleOf } from './matrix'
import { buildCase, startStage } from './play'
const names = [
  'mariadb',
  'mariadb pool',
  'postgres.js',
  'mysql2',
  'mysql2 pool',
  'pg pool',
  'mysql2 3.15',
  'mariadb 3.4',
  'postgres.js 3.4.4',
  'knex with pg',
  'knex with mysql2',
  'kysely with mysql2',
  'kysely with pg',
  'pg',
]
await buildCase()
const postgres = await startTestPostgres(),
  mysql = await startTestMysql()
const order = ['garbage', 'reset', 'silence', 'bytewise', 'close', 'corruption']
const left = allCells()
  .filter((c) => names.includes(c.subject))
  .toSorted(
    (a, b) =>
      order.indexOf(a.way) - order.indexOf(b.way) || names.indexOf(a.subject) - names.indexOf(b.subject),
  )
await Promise.all(
  [1, 2, 3].map(async () => {
    const stage = await startStage({ postgres: postgres.url, mysql: mysql.url })
    for (let c = left.shift(); c; c = left.shift()) {
      const f = await stage.play(c)
      console.log(
        f ? '✗' : '✓',
        new Date().toISOString().slice(11, 19),
        c.subject + ': ' + titleOf(c),
        f ?? '',
      )
    }
  }),
)
