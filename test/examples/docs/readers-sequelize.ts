import { pgConfig } from '@rds-iam/core/pg'
import { QueryTypes, Sequelize } from 'sequelize'

const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }
const { port, user, password } = pgConfig(login)
const connectTo = (target: 'writer' | 'reader') => {
  const { host, ssl, stream } = pgConfig({ ...login, iam: { target } })
  return { host, dialectOptions: { ssl, stream } }
}
const db = new Sequelize({
  dialect: 'postgres',
  database: 'app',
  username: user,
  port,
  replication: { write: connectTo('writer'), read: [connectTo('reader')] },
  hooks: { beforeConnect: (config) => void Object.assign(config, { password }) },
  pool: { max: 20 },
  logging: false,
})

await db.query("insert into orders (item) values ('tea')", { type: QueryTypes.INSERT }) // the writer
console.log(await db.query('select pg_is_in_recovery() as reader', { type: QueryTypes.SELECT })) // a reader
console.log(
  await db.query('select pg_is_in_recovery() as reader', { type: QueryTypes.SELECT, useMaster: true }),
)

await db.close()
