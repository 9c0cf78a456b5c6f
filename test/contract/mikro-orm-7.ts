import { MikroORM as MysqlORM } from '@mikro-orm/mysql'
import { MikroORM } from '@mikro-orm/postgresql'
import { mysql2Config } from '@rds-iam/core/mysql2'
import { pgConfig } from '@rds-iam/core/pg'
import { mikroOrm, replicatedMikroOrm } from './mikro-orm'

type Options = ConstructorParameters<typeof MikroORM>[0] & ConstructorParameters<typeof MysqlORM>[0]
const postgres = (options: Options) => new MikroORM(options)
const mysql = (options: Options) => new MysqlORM(options)

export const mikroOrm7Pg = mikroOrm('postgres', postgres, pgConfig)
export const mikroOrm7Mysql2 = mikroOrm('mysql', mysql, mysql2Config)
export const replicatedMikroOrm7Pg = replicatedMikroOrm('postgres', postgres, pgConfig)
export const replicatedMikroOrm7Mysql2 = replicatedMikroOrm('mysql', mysql, mysql2Config)
