import { Sequelize } from 'sequelize'
import { login } from './migrate'

function byIam({
  host,
  port,
  user,
  database,
  password,
  ssl,
  stream,
}: Exclude<typeof login, { connectionString: string }>) {
  return new Sequelize({
    dialect: 'postgres',
    host,
    port,
    username: user,
    database,
    dialectOptions: { ssl, stream },
    hooks: { beforeConnect: (config) => void Object.assign(config, { password }) },
    logging: false,
  })
}

const db =
  'connectionString' in login ? new Sequelize(login.connectionString, { logging: false }) : byIam(login)
console.log((await db.query('select current_user'))[0])
await db.close()
