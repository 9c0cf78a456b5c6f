const url = process.env.DATABASE_URL
module.exports = {
  client: url.startsWith('mysql') ? 'mysql2' : 'pg',
  connection: url,
  migrations: { tableName: 'exec_knex' },
}
