module.exports = {
  use_env_variable: 'DATABASE_URL',
  dialect: process.env.DATABASE_URL.startsWith('mysql') ? 'mysql' : 'postgres',
  migrationStorageTableName: 'exec_sequelize',
}
