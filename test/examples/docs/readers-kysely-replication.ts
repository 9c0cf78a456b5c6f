import { postgresDialectConfig } from '@rds-iam/kysely'
import { Kysely, PostgresDialect, type Generated } from 'kysely'
import { KyselyReplicationDialect } from 'kysely-replication'
import { RoundRobinReplicaStrategy } from 'kysely-replication/strategy/round-robin'
import 'kysely-replication/force'

interface Database {
  orders: { id: Generated<number>; item: string }
}

const login = { host: process.env.DB_HOST, user: 'jane_doe', database: 'app', max: 20 }
const db = new Kysely<Database>({
  dialect: new KyselyReplicationDialect({
    primaryDialect: new PostgresDialect(postgresDialectConfig(login)),
    // One is enough: rds-iam spreads its connections over all readers.
    replicaDialects: [new PostgresDialect(postgresDialectConfig({ ...login, iam: { target: 'reader' } }))],
    replicaStrategy: new RoundRobinReplicaStrategy({ onTransaction: 'error' }),
  }),
})

await db.insertInto('orders').values({ item: 'tea' }).execute() // the writer
console.log(await db.selectFrom('orders').selectAll().execute()) // a reader

// A select that locks rows goes to a reader, too, which refuses it: 25006.
await db
  .selectFrom('orders')
  .selectAll()
  .forUpdate()
  .execute()
  .catch(({ code }) => console.log(code))

// Lock rows in a transaction, which always runs on the writer, or ask for the writer.
await db.transaction().execute(async (trx) => {
  console.log(await trx.selectFrom('orders').selectAll().forUpdate().execute())
})
console.log(await db.withPrimary().selectFrom('orders').selectAll().forUpdate().execute())

await db.destroy()
