export {
  postgresConfig,
  type PostgresConfig,
  type PostgresLogin,
  type PostgresOptions,
} from './postgres/postgres-config'
