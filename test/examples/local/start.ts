import { startLocalRds } from '@rds-iam/local'

const rds = await startLocalRds({ engine: 'postgres', users: ['jane_doe', 'report'] })
const { host, port, user, database, ca, env } = rds // ca is PEM
Object.assign(process.env, env) // AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION
console.log({ host, port, user, database, isPem: ca.startsWith('-----BEGIN CERTIFICATE-----') })
await rds.close()
