import { mysql2Config } from '@rds-iam/core/mysql2'
import { DataSource } from 'typeorm'

const port = Number(process.env.DB_PORT ?? 3306)
const config = mysql2Config({ host: process.env.DB_HOST, port, user: 'jane_doe', database: 'app' })
const mysql = new DataSource({
  type: 'mysql',
  // Without this line TypeORM 0.3 takes the package `mysql` if it is installed, which cannot log in by IAM.
  connectorPackage: 'mysql2',
  extra: { ...config, connectionLimit: 20 },
})
await mysql.initialize()
console.log(await mysql.query('select current_user()'))
await mysql.destroy()
