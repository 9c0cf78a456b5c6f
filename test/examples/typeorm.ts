import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm'

const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app' }

class CreateOrders1767225600000 implements MigrationInterface {
  async up(runner: QueryRunner) {
    await runner.query('create table typeorm_orders (id int primary key, item text)')
  }
  async down(runner: QueryRunner) {
    await runner.query('drop table typeorm_orders')
  }
}

// PostgreSQL: the options in `extra` reach the driver, and replace TypeORM's own.
const postgres = new DataSource({
  type: 'postgres',
  extra: { ...pgConfig(login), max: 20 },
  migrations: [CreateOrders1767225600000],
  migrationsTableName: 'typeorm_migrations',
})
await postgres.initialize()
await postgres.runMigrations()
await postgres.transaction((manager) => manager.query(`insert into typeorm_orders values (1, 'tea')`))
console.log(await postgres.query('select * from typeorm_orders'))
await postgres.undoLastMigration()
await postgres.destroy()

// MySQL and MariaDB.
const port = Number(process.env.DB_PORT ?? 3306)
const mysql = new DataSource({
  type: 'mysql',
  extra: { ...mysql2Config({ ...login, port }), connectionLimit: 20 },
})
await mysql.initialize()
console.log(await mysql.query('select current_user()'))
await mysql.destroy()
