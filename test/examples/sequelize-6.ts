import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { QueryTypes, Sequelize } from 'sequelize'

const user = 'jane_doe'
const database = 'app'

// PostgreSQL: Sequelize passes `ssl` and `stream` on, and the function for the password if a hook sets it.
const { host, port, password, ssl, stream } = pgConfig({ host: process.env.DB_HOST, user })
const postgres = new Sequelize({
  dialect: 'postgres',
  database,
  username: user,
  port,
  replication: {
    write: { host },
    read: [{ host: process.env.DB_REPLICA_HOST ?? host }],
  },
  dialectOptions: { ssl, stream },
  hooks: { beforeConnect: (config) => void Object.assign(config, { password }) },
  pool: { max: 20 },
  logging: false,
})
await postgres.transaction((transaction) => postgres.query('select current_user', { transaction }))
console.log(await postgres.query('select 1 as one', { plain: true, type: QueryTypes.SELECT }))
await postgres.close()

// MySQL and MariaDB.
const login = mysql2Config({ host: process.env.DB_HOST, port: Number(process.env.DB_PORT ?? 3306), user })
const mysql = new Sequelize({
  dialect: 'mysql',
  database,
  username: user,
  host: login.host,
  port: login.port,
  dialectOptions: { ssl: login.ssl, authPlugins: login.authPlugins, stream: login.stream },
  logging: false,
})
console.log(await mysql.query('select current_user()'))
await mysql.close()
