const { mysql2Config } = require('@rds-iam/core/mysql2')
const { pgConfig } = require('@rds-iam/core/pg')

const host = process.env.DB_HOST ?? 'localhost'
const user = 'jane_doe'
const postgres = pgConfig({ host, user })
const mysql = mysql2Config({ host, port: Number(process.env.DB_PORT ?? 3306), user })

module.exports = {
  production: {
    dialect: 'postgres',
    host,
    port: postgres.port,
    username: user,
    database: 'app',
    dialectOptions: { ssl: postgres.ssl, stream: postgres.stream },
    hooks: { beforeConnect: (config) => void (config.password = postgres.password) },
  },
  warehouse: {
    dialect: 'mysql',
    host,
    port: mysql.port,
    username: user,
    database: 'app',
    dialectOptions: { ssl: mysql.ssl, authPlugins: mysql.authPlugins, stream: mysql.stream },
  },
}
