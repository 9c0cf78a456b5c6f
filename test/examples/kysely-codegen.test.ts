import { testExample } from './run-example'

testExample('kysely-codegen', ['postgres', 'mysql'], ({ output, logins }) => { process.stdout.write(output + JSON.stringify({p: logins.postgres.length, m: logins.mysql.length}) + '\n') })
