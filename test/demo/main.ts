import { findMysqlServer, startLocalRds, type LocalRdsOptions } from '@rds-iam/local'
import { runKnex } from './knex'
import { runKysely } from './kysely'
import { chapter, say } from './print'
import { createShortSession } from './session'

console.log('rds-iam: knex and kysely log in with IAM tokens; no password stands anywhere.')
console.log('AWS sessions end after 4 seconds here, and tokens with them, so that you see them renewed.')
chapter('PostgreSQL (embedded)')
await play({ engine: 'postgres' })

chapter('MySQL')
const backend = process.env['MYSQL_URL']
if (backend) await play({ engine: 'mysql', backend })
else if (findMysqlServer()) await play({ engine: 'mysql' })
else
  say(
    'skipped: set MYSQL_URL=mysql://user:password@host:port/database, or install mariadb-server, to see the same on MySQL',
  )

/** Runs the main job with knex, then with kysely, each with a session and a pool of its own. */
async function play(options: LocalRdsOptions & { engine: 'postgres' | 'mysql' }): Promise<void> {
  const rds = await startLocalRds(options)
  say(
    `an RDS endpoint that verifies tokens listens on ${rds.host}:${rds.port}, before a real ${options.engine} server`,
  )
  try {
    for (const run of [runKnex, runKysely]) {
      const session = createShortSession(rds)
      const { host, port, user, database, region } = rds
      const iam = { region, credentials: session.credentials }
      await run(options.engine, { host, port, user, database, ssl: { ca: rds.ca }, iam }, session.ended)
      session.stop()
    }
    const accepted = rds.logins.filter(({ verdict }) => verdict === 'accepted').length
    say(`the endpoint verified ${rds.logins.length} logins and accepted ${accepted}`)
  } finally {
    await rds.close()
  }
}
