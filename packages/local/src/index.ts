export { startLocalRds } from './local-rds'
export type { LocalRds } from './local-rds'
export { startLocalCluster } from './cluster/local-cluster'
export type { LocalClusterOptions } from './cluster/cluster-options'
export type { LocalInstance } from './cluster/instance'
export type { LocalCluster } from './cluster/local-cluster'
export type { LocalRdsConfiguration, LocalRdsOptions } from './options'
export type { ControlAccess } from './control/control-endpoint'
export type { Engine } from './defaults'
export type { ConflictCode } from './dsql/statements'
export type { BackendLogin } from './backend'
export type { ConnectionEvent, LocalRdsEmitter, LocalRdsEvents, LoginEvent } from './audit'
export type { TestIdentity } from './iam/identity'
export type { Refused, RefusalReason, Verdict } from './iam/refusal'
export { verifyToken } from './iam/verify-token'
export type { AcceptedEndpoint, TokenExpectations, TokenService } from './iam/verify-token'
export { startPostgres } from './servers/postgres-server'
export { findMysqlServer, startMysql } from './servers/mysql-server'
export type {
  DatabaseServer,
  DatabaseServerOptions,
  DatabaseServerWithUsers,
} from './servers/database-server'
