// rds.setup.js, in jest.config.js: globalSetup: './rds.setup.js', globalTeardown: './rds.teardown.js'
const { startLocalRds } = require('@rds-iam/local')

module.exports = async () => {
  const rds = await startLocalRds()
  Object.assign(process.env, rds.env, { DB_HOST: rds.host, DB_PORT: String(rds.port), DB_CA: rds.ca })
  globalThis.rds = rds
}
